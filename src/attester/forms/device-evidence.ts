// Reads the evidence of GPUs and NVSwitches as NVIDIA's tools write it: attestation-sdk's JSON (NVIDIA/attestation-sdk, serialized evidence),
// the output of `nvattest collect-evidence`, and a request to NRAS. Report and chain are taken; what else the tools say is in the report.
import { decodeBase64 } from "../../protocol/encoding/base64.ts";
import { likeness } from "../../protocol/encoding/recognise.ts";
import { readAs } from "../../protocol/encoding/shape.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import type { Json } from "../../protocol/envelope/canonical-json.ts";
import { parseJson } from "../../protocol/envelope/parse-json.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { nrasRequest, nvattestDevices, nvattestOutput } from "./device-evidence.shape.ts";

const FORMAT = "GPU evidence";
/** 16 GPUs and 16 switches in base64 of base64 stay far below this. */
const MAX_BYTES = 2 * 1024 * 1024;
const GET_MEASUREMENTS = 0xe0;
/** Architectures in the SDK's words, upper case. */
const KIND: Readonly<Record<string, DeviceKind>> = {
  HOPPER: "gpu",
  BLACKWELL: "gpu",
  RUBIN: "gpu",
  LS10: "switch",
};

export type DeviceKind = "gpu" | "switch";

/** What one GPU or NVSwitch shows. */
export interface CollectedDevice {
  readonly kind: DeviceKind;
  /** SPDM GET_MEASUREMENTS request and response, signature last. */
  readonly report: Uint8Array;
  /** Certificates of the attestation key, PEM, leaf first. */
  readonly chain: string;
}

interface Written {
  readonly arch: string;
  readonly certificate: string;
  readonly evidence: string;
}

/** @throws MalformedError that names the form that was found and what to do, where it is none of these. */
export function readDeviceEvidence(bytes: Uint8Array): CollectedDevice[] {
  const devices = writtenIn(parse(bytes), bytes);
  if (devices.length === 0)
    throw new MalformedError(FORMAT, "it lists no device: the collector found none, or may not open it");
  return devices.map(readDevice);
}

function parse(bytes: Uint8Array): Json {
  try {
    return parseJson(bytes, MAX_BYTES);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new MalformedError(FORMAT, `no JSON: ${error.detail}${likeness(bytes, "json")}`, error.at);
  }
}

function writtenIn(value: Json, bytes: Uint8Array): readonly Written[] {
  if (Array.isArray(value)) return readAs(nvattestDevices, value, FORMAT);
  const names = typeof value === "object" && value !== null ? Object.keys(value) : [];
  if (names.includes("evidences")) return devicesOfOutput(value);
  if (names.includes("evidence_list")) {
    const { arch, evidence_list } = readAs(nrasRequest, value, FORMAT);
    return evidence_list.map((device) => ({ arch, ...device }));
  }
  if (names.includes("__cmwc_t"))
    throw new MalformedError(
      FORMAT,
      "a CMW collection, as attestation-sdk 2 writes beside its older form: collect with `nvattest collect-evidence`",
    );
  throw new MalformedError(FORMAT, `no form of NVIDIA's tools${likeness(bytes, "json")}`);
}

function devicesOfOutput(value: Json): readonly Written[] {
  const { evidences, result_code, result_message } = readAs(nvattestOutput, value, FORMAT);
  if (result_code === 0) return evidences;
  throw new MalformedError(FORMAT, `nvattest failed with ${result_code}, ${result_message}`);
}

function readDevice({ arch, certificate, evidence }: Written, index: number): CollectedDevice {
  const at = `/${index}`;
  const kind = KIND[arch.toUpperCase()];
  if (kind === undefined)
    throw new MalformedError(
      FORMAT,
      `architecture ${JSON.stringify(arch)} is not known, expected ${Object.keys(KIND).join(", ")}`,
      `${at}/arch`,
    );
  const report = decodeAt(evidence, `${at}/evidence`);
  if (report[1] !== GET_MEASUREMENTS)
    throw new MalformedError(FORMAT, `no SPDM report${likeness(report)}`, `${at}/evidence`);
  return { kind, report, chain: decodeUtf8(decodeAt(certificate, `${at}/certificate`)) };
}

function decodeAt(text: string, pointer: string): Uint8Array {
  try {
    return decodeBase64(text);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new MalformedError(FORMAT, `no base64: ${error.detail}`, pointer);
  }
}
