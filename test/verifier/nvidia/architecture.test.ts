// Which chips a chain may be of: each family as NVIDIA names it from the leaf to the chip's CA, with its form of FWID; another one is refused by
// its name.
import { describe, expect, it } from "vitest";
import { GPU_ARCHITECTURES } from "../../../src/protocol/entry/policy.ts";
import { makeGpuIdentity } from "../../../src/testing/nvidia.ts";
import {
  type Architecture,
  architectureOf,
  type DeviceChain,
} from "../../../src/verifier/nvidia/certificate-chain.ts";
import { COMPOSITE_DEVICE_ID, DICE_TCB_INFO, readFwid } from "../../../src/verifier/nvidia/fwid.ts";
import { parseCertificate } from "../../../src/verifier/x509/certificate.ts";
import { makeAuthority } from "./synthetic-gpu.ts";

const FWID = new Uint8Array(48).fill(3);
const ALL: readonly Architecture[] = [...GPU_ARCHITECTURES, "ls10"];
const VALIDITY = { notBefore: new Date("2026-01-01T00:00:00Z"), notAfter: new Date("2027-12-31T00:00:00Z") };

async function chainOf(architecture: Architecture): Promise<DeviceChain> {
  const { chain } = await makeGpuIdentity(await makeAuthority(architecture), { ...VALIDITY, fwid: FWID });
  const [leaf, device, provisioner, identity] = chain.map(({ der }) => parseCertificate(der));
  return { leaf: leaf!, device: device!, provisioner: provisioner!, identity: identity! };
}

/** Only the names and the leaf's extensions are looked at. */
const named = (
  leaf: string,
  device: string,
  provisioner: string,
  identity: string,
  ...extensions: string[]
) =>
  ({
    leaf: { commonName: leaf, extensions: new Map(extensions.map((id) => [id, new Uint8Array()])) },
    device: { commonName: device },
    provisioner: { commonName: provisioner },
    identity: { commonName: identity },
  }) as unknown as DeviceChain;

describe("a chain of each family", () => {
  it.each([
    ["hopper", "GH100", COMPOSITE_DEVICE_ID],
    ["blackwell", "GB100", DICE_TCB_INFO],
    ["rubin", "GR100", DICE_TCB_INFO],
    ["ls10", "LS_10", COMPOSITE_DEVICE_ID],
  ] as const)("%s is read, with its firmware id", async (architecture, chip, form) => {
    const chain = await chainOf(architecture);
    expect(architectureOf(chain, ALL)).toEqual({ chip, architecture });
    expect(chain.leaf.extensions.has(form)).toBe(true);
    expect(readFwid(chain.leaf)).toEqual(FWID);
  });

  it("has the names of the real ones", () => {
    const rubin = named(
      ...([
        "GR100 A01 GSP FMC LF",
        "GR100 A01 GSP BROM",
        "NVIDIA GR100 Provisioner ICA 00000",
        "NVIDIA GR1XX Identity",
      ] as const),
      DICE_TCB_INFO,
    );
    expect(architectureOf(rubin, GPU_ARCHITECTURES)).toEqual({ chip: "GR100", architecture: "rubin" });
    const ls10 = named(
      ...([
        "LS_10 A01 FSP FMC LF",
        "LS_10 A01 FSP BROM",
        "NVIDIA LS_10 Provisioner ICA 1",
        "NVIDIA GH100 Identity",
      ] as const),
      COMPOSITE_DEVICE_ID,
    );
    expect(architectureOf(ls10, ["ls10"])).toEqual({ chip: "LS_10", architecture: "ls10" });
  });
});

describe("refused", () => {
  const hopper = (form = COMPOSITE_DEVICE_ID) =>
    named(
      "GH100 A01 GSP FMC LF",
      "GH100 A01 GSP BROM",
      "NVIDIA GH100 Provisioner ICA 1",
      "NVIDIA GH100 Identity",
      form,
    );
  const mixed = (change: Partial<Record<keyof DeviceChain, string>>) => {
    const chain = hopper();
    for (const [place, commonName] of Object.entries(change))
      Object.assign(chain[place as keyof DeviceChain], { commonName });
    return chain;
  };

  it.each<[string, DeviceChain, readonly Architecture[], RegExp]>([
    ["a switch where a GPU is wanted", hopper(), ["ls10"], /"GH100 A01 GSP FMC LF", and only ls10/],
    [
      "a chip that is not known, by its name",
      mixed({ leaf: "GZ100 A01 GSP FMC LF" }),
      ALL,
      /of "GZ100 A01 GSP FMC LF", and only hopper, blackwell, rubin, ls10/,
    ],
    ["another kind of switch, by its name", mixed({ leaf: "SV_10 A01 FSP FMC LF" }), ALL, /"SV_10 A01/],
    ["the other form of FWID", hopper(DICE_TCB_INFO), ALL, /do not name one chip/],
    ["another chip's boot ROM", mixed({ device: "GH200 A01 GSP BROM" }), ALL, /do not name one chip/],
    [
      "another chip's provisioner",
      mixed({ provisioner: "NVIDIA GB100 Provisioner ICA 1" }),
      ALL,
      /do not name/,
    ],
    ["another family's CA", mixed({ identity: "NVIDIA GR1XX Identity" }), ALL, /do not name/],
  ])("%s", (_, chain, wanted, message) => {
    expect(() => architectureOf(chain, wanted)).toThrow(message);
  });
});
