// Looks up the entries that a draft is to name: image, firmware, tables and platforms as chosen, kernel and driver as the image's
// own entry says.
import { describeReference, type Reference, type ReleaseKind } from "../protocol/entry/reference.ts";
import type { StatementOf } from "../protocol/envelope/statement.ts";
import type { LogClient } from "../publisher/client/log-client.ts";
import { findEntry, parseReference, referenceOf } from "../publisher/client/lookup.ts";
import type { Released, ReleaseSelection } from "../publisher/policy/draft-profile.ts";
import { UsageError } from "./context.ts";

export interface Chosen {
  /** Each as name@version. */
  readonly osImage: string;
  readonly gspFirmware: string;
  readonly gpuRim: readonly string[];
  readonly platform: readonly string[];
}

type Selected = Omit<ReleaseSelection, "platforms">;

/** @throws UsageError naming the first entry that the log does not have. */
export async function selectRelease(client: LogClient, chosen: Omit<Chosen, "platform">): Promise<Selected> {
  const osImage = await lookUp(client, "os-image", chosen.osImage);
  const { kernelPatchSet, driverBuild } = osImage.statement.predicate;
  return {
    osImage,
    kernelPatchSet: await follow(client, "kernel-patch-set", kernelPatchSet),
    driverBuild: await follow(client, "driver-build", driverBuild),
    gspFirmware: await lookUp(client, "gsp-firmware", chosen.gspFirmware),
    gpuRims: await selectAll(client, "gpu-rim", chosen.gpuRim),
  };
}

export async function selectAll<K extends ReleaseKind>(
  client: LogClient,
  kind: K,
  names: readonly string[],
): Promise<Released<K>[]> {
  const found: Released<K>[] = [];
  for (const name of names) found.push(await lookUp(client, kind, name));
  return found;
}

/** @param text name@version */
export function parseRelease(kind: ReleaseKind, text: string): { name: string; version: string } {
  const { name, version } = parseReference(`${kind}/${text}`);
  return { name, version };
}

async function lookUp<K extends ReleaseKind>(client: LogClient, kind: K, text: string): Promise<Released<K>> {
  const { name, version } = parseRelease(kind, text);
  const found = await findEntry(client, { kind, name, version });
  if (found === undefined) throw new UsageError(`the log has no ${kind}/${text}`);
  return {
    statement: found.envelope.statement as StatementOf<K>,
    reference: referenceOf(found) as Reference & { kind: K },
  };
}

async function follow<K extends ReleaseKind>(
  client: LogClient,
  kind: K,
  wanted: Reference,
): Promise<Released<K>> {
  const found = await lookUp(client, kind, `${wanted.name}@${wanted.version}`);
  if (found.reference.digest === wanted.digest) return found;
  throw new UsageError(`the log's ${describeReference(wanted)} is not the one that the image names`);
}
