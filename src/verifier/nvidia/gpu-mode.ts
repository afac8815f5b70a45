// Reads how a GPU is passed through to its VM, from opaque types 36 and 21 together (NVIDIA nvtrust, spdm_msrt_resp_msg.py; attestation-sdk,
// gpu_opaque_data_parser.cpp), and which NVSwitches it is linked to, from type 22. In PPCIE the links between GPUs are plain text and the
// switches belong to what must be attested.
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { MalformedError } from "../../protocol/errors.ts";

/** Single GPU pass-through, multi-GPU pass-through, protected PCIe; "not-stated" by drivers whose opaque data has no version 1. */
export type GpuMode = "single" | "mpt" | "ppcie" | "not-stated";
export type Switch = "on" | "off";

const FORMAT = "GPU report";
const LINKS = 18;
const PDI_BYTES = 8;

export interface ModeFields {
  /** Type 36: 0 single, 1 MPT, 2 PPCIE; null where it is absent. */
  readonly feature: number | null;
  /** Type 21. */
  readonly protectedPcie: Switch | null;
  /** Type 34: the version of the opaque data. */
  readonly version: number | null;
}

/** @throws MalformedError for a pair that contradicts itself, and where a driver that states the mode leaves it out. */
export function modeOf({ feature, protectedPcie, version }: ModeFields): GpuMode {
  const protectedOff = protectedPcie !== "on";
  if (feature === null) {
    if (!protectedOff) return "ppcie";
    if ((version ?? 0) === 0) return "not-stated";
    throw new MalformedError(
      FORMAT,
      `opaque data of version ${version} does not state the feature (type 36)`,
    );
  }
  if (feature === 0 && protectedOff) return "single";
  if (feature === 1 && protectedOff) return "mpt";
  if (feature === 2 && protectedPcie !== "off") return "ppcie";
  const pcie = protectedPcie ?? "not stated";
  throw new MalformedError(FORMAT, `feature flag ${feature} with protected PCIe ${pcie} is no mode of a GPU`);
}

/** The distinct switches at the GPU's links, sorted: hex of their PDI as the GPU writes it. A link that is disabled names none. */
export function switchesOf(bytes: Uint8Array): string[] {
  if (bytes.length !== LINKS * PDI_BYTES)
    throw new MalformedError(FORMAT, `switch PDIs have ${bytes.length} bytes, expected ${LINKS * PDI_BYTES}`);
  const links = Array.from({ length: LINKS }, (_, i) => bytes.subarray(i * PDI_BYTES, (i + 1) * PDI_BYTES));
  const linked = links.filter((pdi) => pdi.some((byte) => byte !== 0));
  return [...new Set(linked.map(encodeHex))].sort();
}
