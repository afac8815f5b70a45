// Gives the schema of what a policy asks of the evidence and no entry states (requirements.ts).
import * as z from "zod";
import { BOOT_PATHS } from "../../protocol/entry/boot.ts";
import {
  gpuRequirements,
  profile,
  svnFloor,
  switchRequirements,
  tdxRequirements,
} from "../../protocol/entry/policy.schema.ts";
import { rebuildRule } from "../../protocol/entry/rebuild-rule.schema.ts";

/**
 * Members of a profile. `bootPath` may be left out where the image states measurements of one alone, and `rebuilds` where none are asked
 * for. Those of `gpu` that may be left out are read from the entries that the profile names, or are the strict ones;
 * `requiredAttributes` are all of them unless given.
 */
export const requirements = z.strictObject({
  bootPath: z.enum(BOOT_PATHS).optional(),
  rebuilds: rebuildRule.nullable().optional(),
  tdx: tdxRequirements.partial({ requiredAttributes: true }),
  gpu: gpuRequirements
    .extend({ switches: switchRequirements.partial({ vbiosVersions: true, rimTables: true }).nullable() })
    .partial({
      count: true,
      switches: true,
      driverVersions: true,
      vbiosVersions: true,
      rimTables: true,
      fwids: true,
      mode: true,
      modeNotStated: true,
      ccMode: true,
      devtools: true,
    }),
  binding: profile.shape.binding,
});

/** What a release file may say of the floor: the rest stays as it was. */
export const raisedFloor = svnFloor.partial();
