// Says by which terms an entry is found: the map function of the index, version 1 (docs/formats.md, "Index"). Everybody who computes an
// index must get the same keys out of an entry, for ever: what is here changes only with the version in the keys.
import { type Hash, sha256 } from "../cryptography/hash.ts";
import { decodeUtf8, utf8 } from "../encoding/text.ts";
import { KINDS } from "../entry/kinds.ts";
import { isName } from "../entry/name.ts";
import { type Envelope, signersOf } from "../envelope/dsse.ts";
import { MalformedError } from "../errors.ts";
import { measurementsIn } from "./kinds/list.ts";
import { TERM_TYPES, type TermType } from "./lookup-format.ts";
import { MEASURED_PARTS } from "./measured-by.ts";

export type { TermType } from "./lookup-format.ts";

/**
 * Something by which entries are found.
 * @example
 * ```ts
 * import type { Term } from "touchstone/protocol";
 * const guest: Term = { type: "name", value: "os-image/acme/guest" };
 * ```
 */
export interface Term {
  readonly type: TermType;
  /**
   * measurement: `<part>/<value>`, such as `mrtd/<96 hex digits>`, `rim/<64>`, `vbios/96.00.5E.00.01` or `driver/580.95.05`;
   * digest: SHA-256, SHA-384 or SHA-512, hex; name: `<kind>/<name>`; payload: SHA-256 of the payload, hex;
   * signer: key id, or `identity/<id of the rule>`.
   */
  readonly value: string;
}

const VERSION = "touchstone-index/v1";

/** Runs of hex digits that are exactly as long as a SHA-256, SHA-384 or SHA-512 are digests. */
const DIGEST_LENGTHS: readonly number[] = [64, 96, 128];
const SHORTEST = 64;

const SHA256 = /^[0-9a-f]{64}$/;
const DIGEST = /^(?:[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})$/;
const IDENTITY = /^identity\/[a-z0-9][a-z0-9._-]{0,63}$/;

const CAN_BE: Readonly<Record<TermType, (value: string) => boolean>> = {
  measurement: (value) => {
    const [part, rest] = splitAtSlash(value);
    return Object.hasOwn(MEASURED_PARTS, part) && MEASURED_PARTS[part as "mrtd"].test(rest);
  },
  digest: (value) => DIGEST.test(value),
  name: (value) => {
    const [kind, name] = splitAtSlash(value);
    return (KINDS as readonly string[]).includes(kind) && isName(name);
  },
  payload: (value) => SHA256.test(value),
  signer: (value) => SHA256.test(value) || IDENTITY.test(value),
};

/** Every digest that a statement names in subject or predicate, each once. */
export function digestsOf({ payload }: Pick<Envelope, "payload">): string[] {
  const runs = hexRunsIn(decodeUtf8(payload));
  return [...new Set(runs.filter((run) => DIGEST_LENGTHS.includes(run.length)))];
}

/**
 * What /[0-9a-f]{64,}/g finds, in a third of its time, since every entry is searched: where one of 64 characters is no digit, no run that
 * is long enough begins at or before it, so that most of a text is never looked at.
 */
function hexRunsIn(text: string): string[] {
  const runs: string[] = [];
  for (let start = 0; start + SHORTEST <= text.length; ) {
    let last = start + SHORTEST - 1;
    while (last >= start && isHexDigit(text.charCodeAt(last))) last--;
    if (last >= start) {
      start = last + 1;
      continue;
    }
    let end = start + SHORTEST;
    while (isHexDigit(text.charCodeAt(end))) end++;
    runs.push(text.slice(start, end));
    start = end + 1;
  }
  return runs;
}

/** 0 to 9, a to f; NaN, which stands behind the end of a text, is none. */
function isHexDigit(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66);
}

/**
 * Every term by which an entry is found, each once. A status is found by name, payload and signer alone: what it names, other entries
 * name before it, and the statuses of a year would stand in front of them.
 * @example
 * ```ts
 * import { parseLeaf, termsOf } from "touchstone/protocol";
 * const namesDigest = (leaf: Uint8Array, digest: string): boolean =>
 *   termsOf(parseLeaf(leaf)).some(({ type, value }) => type === "digest" && value === digest);
 * ```
 */
export function termsOf(
  envelope: Pick<Envelope, "payload" | "payloadDigest" | "statement" | "signatures">,
): Term[] {
  const { statement, payloadDigest } = envelope;
  const { kind, name, predicate } = statement;
  const { signers, identities } = signersOf(envelope);
  const measurements = new Set(measurementsIn(kind, predicate));
  const digests = kind === "status" ? [] : digestsOf(envelope);
  return [
    ...of("measurement", measurements),
    ...of("digest", digests),
    ...of("name", [`${kind}/${name}`]),
    ...of("payload", [payloadDigest]),
    ...of("signer", [...signers, ...identities.map((rule) => `identity/${rule}`)]),
  ];
}

/**
 * A term as somebody asks for it.
 * @throws MalformedError for a type that there is not, and for a value that no entry could be found by, such as hex in upper case: "none"
 *   would be a true answer to it, and a misleading one.
 * @example
 * ```ts
 * import { parseTerm } from "touchstone/protocol";
 * const term = parseTerm("measurement", "driver/580.95.05");
 * ```
 */
export function parseTerm(type: string, value: string): Term {
  if (!isTermType(type)) throw new MalformedError("lookup", `the type is none of ${TERM_TYPES.join(", ")}`);
  if (!CAN_BE[type](value)) throw new MalformedError("lookup", `no ${type} has the form of this value`);
  return { type, value };
}

/**
 * The key of a term in the tree, 32 bytes: `H("touchstone-index/v1" ‖ 00 ‖ type ‖ 00 ‖ value)`.
 * @example
 * ```ts
 * import { keyOfTerm, parseTerm } from "touchstone/protocol";
 * const key = keyOfTerm(parseTerm("name", "os-image/acme/guest"));
 * ```
 */
export function keyOfTerm({ type, value }: Term, hash: Hash = sha256): Uint8Array {
  return hash(utf8(`${VERSION}\0${type}\0${value}`));
}

function of(type: TermType, values: Iterable<string>): Term[] {
  return Array.from(values, (value) => ({ type, value }));
}

function isTermType(type: string): type is TermType {
  return (TERM_TYPES as readonly string[]).includes(type);
}

function splitAtSlash(value: string): [before: string, after: string] {
  const slash = value.indexOf("/");
  return slash === -1 ? [value, ""] : [value.slice(0, slash), value.slice(slash + 1)];
}
