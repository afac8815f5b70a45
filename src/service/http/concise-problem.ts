// Writes a problem as Concise Problem Details (RFC 9290), which CoSERV asks for in place of JSON.
import { encodeCbor, map } from "../../protocol/cose/cbor.ts";
import type { Problem } from "../problem.ts";

export const CONCISE_PROBLEM_MEDIA_TYPE = "application/concise-problem-details+cbor";

/** Members of RFC 9290 §2.1, and one of our own (§2.2): a map of what clients decide by. */
const MEMBER = { title: -1, detail: -2, responseCode: -4, ours: "urn:touchstone:problem" } as const;

export function encodeConciseProblem({
  title,
  detail,
  status,
  code,
  reason,
}: Problem): Uint8Array<ArrayBuffer> {
  return encodeCbor(
    map(
      [MEMBER.title, title],
      [MEMBER.detail, detail],
      [MEMBER.responseCode, status],
      [MEMBER.ours, map(["code", code], ["reason", reason])],
    ),
  );
}
