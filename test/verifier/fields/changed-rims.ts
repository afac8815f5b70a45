// Changes one attribute or text of a RIM at a time, signs the file again, and holds a good GPU's report against it.
import { decodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { decodeUtf8, utf8 } from "../../../src/protocol/encoding/text.ts";
import { judgeGpu } from "../../../src/publisher/evidence/check-gpu-report.ts";
import type { Machine } from "../../../src/testing/index.ts";
import {
  makeRim,
  makeRimAuthority,
  makeRimContent,
  type RimAuthority,
  signRim,
} from "../../../src/testing/rim.ts";
import { failedIds } from "../../support/appraisal-world.ts";
import { NOW } from "../../support/clock.ts";
import type { ChangedKind, FieldChange } from "./changed-machines.ts";
import { namesOfRim } from "./fields-of.ts";

const YEAR = 31_536_000_000;

/** The table of the driver's RIM, with a row that is not active and would not match, and with the floors of the VBIOS's. */
export async function changedRims(machine: Machine): Promise<ChangedKind> {
  const validity = { notBefore: new Date(NOW.getTime() - YEAR), notAfter: new Date(NOW.getTime() + YEAR) };
  const authority = await makeRimAuthority(validity);
  const { driverVersion, vbiosVersion, goldenTables } = machine.gpus[0]!;
  const inactive = { index: 62, active: false, alternatives: ["00".repeat(48)] };
  const floors = goldenTables.vbios.filter((row) => "minSvn" in row);
  const content = makeRimContent({
    product: "GH100",
    version: driverVersion,
    table: [...goldenTables.driver, inactive, ...floors],
  });
  const vbios = await makeRim(
    {
      product: "GH100",
      version: vbiosVersion,
      table: goldenTables.vbios.filter((row) => !("minSvn" in row)),
    },
    authority,
  );
  const good = await signRim(content, authority.chain);
  const failing = async (driver: Uint8Array) => {
    const { report, chain } = machine.evidence.gpus[0]!;
    const judged = await judgeGpu({
      gpu: { report: decodeBase64(report), chain },
      rims: [driver, vbios],
      nonce: null,
      now: NOW,
      deviceRoot: machine.roots.nvidia,
      rimRoot: authority.root.der,
    });
    return failedIds(judged);
  };
  const names = namesOfRim(good);
  const changes = new Map<string, FieldChange>();
  for (const name of names)
    changes.set(name, { changed: async () => failing(await changedAt(name, content, good, authority)) });
  return { names, changes };
}

const VALUES: Readonly<Record<string, string>> = {
  colloquialVersion: "580.95.06",
  alternatives: "2",
  size: "47",
  index: "13",
  version: "2.0",
  tagVersion: "1",
  minSvn: "4",
};

/** What NVIDIA signs is signed again; its signature, and the certificates that came along, are changed as they stand. */
async function changedAt(
  name: string,
  content: string,
  good: Uint8Array,
  { chain }: RimAuthority,
): Promise<Uint8Array> {
  const [path = "", attribute] = name.split("@");
  const element = path === "rim" ? "SoftwareIdentity" : (path.split(".").at(-1) ?? "");
  const change = (text: string) =>
    attribute === undefined ? withText(text, element) : withAttribute(text, element, attribute);
  if (!path.includes(".Signature")) return signRim(change(content), chain);
  if (path.includes(".SignedInfo")) return signRim(content, chain, change);
  return utf8(change(decodeUtf8(good)));
}

function withAttribute(text: string, element: string, attribute: string): string {
  if (attribute === "active") return replaced(text, /()(active="False")()/, 'active="True"');
  const local = attribute === "Hash" ? "Hash0" : attribute;
  const pattern = new RegExp(`(<(?:\\w+:)?${element}\\b[^>]*?\\s(?:\\w+:)?${local}=")([^"]*)(")`);
  return replaced(text, pattern, VALUES[attribute]);
}

function withText(text: string, element: string): string {
  return replaced(text, new RegExp(`(<(?:\\w+:)?${element}[^>]*>)([^<]*)(<)`));
}

function replaced(text: string, pattern: RegExp, value?: string): string {
  if (!pattern.test(text)) throw new Error(`nothing matches ${pattern}`);
  return text.replace(
    pattern,
    (_, before, old: string, after) => `${before}${value ?? another(old)}${after}`,
  );
}

/** Another text: base64 and hex stay what they are. */
function another(text: string): string {
  const at = /^[A-Za-z0-9+/=]{40,}$/.test(text) ? Math.min(300, text.length >> 1) : -1;
  if (at < 0) return `${text}x`;
  return text.slice(0, at) + (text[at] === "0" ? "1" : "0") + text.slice(at + 1);
}
