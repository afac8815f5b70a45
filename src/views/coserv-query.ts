// Reads a query of CoSERV (draft-ietf-rats-coserv-07 §4.3): which reference values are asked for, by classes of environments.
import { Tagged } from "cborg";
import { type Cbor, decodeDeterministicCbor } from "../protocol/cose/cbor.ts";
import { decodeBase64Url } from "../protocol/encoding/base64url.ts";
import { MalformedError, PolicyError } from "../protocol/errors.ts";
import { CORIM_PROFILE } from "./corim.ts";

const FORMAT = "CoSERV query";
/** Bytes of a query. */
const MAX_QUERY = 4096;
const MAX_TEXT = Math.ceil((MAX_QUERY * 4) / 3);

/** What names a profile or a class beside text: OID, UUID, UEID and bytes. */
const TAG = { uuid: 37, oid: 111, ueid: 550, bytes: 560 } as const;
/** Members of the maps of a query. */
const COSERV = { profile: 0, query: 1 } as const;
const QUERY = { artifactType: 0, selector: 1, resultType: 2 } as const;
const CLASSES = 0;
const CLASS = { id: 0, vendor: 1, model: 2, layer: 3, index: 4 } as const;
const isText = (value: unknown) => typeof value === "string";
const isNumber = (value: unknown) => Number.isInteger(value) && (value as number) >= 0;
/** What the members of a class may be (class-map of draft-ietf-rats-corim). */
const CLASS_MEMBERS: ReadonlyMap<unknown, (value: unknown) => boolean> = new Map([
  [CLASS.id, (value: unknown) => value instanceof Tagged],
  [CLASS.vendor, isText],
  [CLASS.model, isText],
  [CLASS.layer, isNumber],
  [CLASS.index, isNumber],
]);
const REFERENCE_VALUES = 2;

/** In the order of their numbers. */
const RESULT_TYPES = ["collected", "source", "both"] as const;
export type ResultType = (typeof RESULT_TYPES)[number];

/** A class that is asked for. What it does not name matches anything (§4.3.1.2.1). */
export interface ClassSelector {
  readonly vendor: string | undefined;
  readonly model: string | undefined;
  /** Whether it names more than that, which no environment of ours has. */
  readonly namesMore: boolean;
}

export interface CoservQuery {
  /** The map `query`, as it goes back with the result. */
  readonly asked: Cbor;
  readonly classes: readonly ClassSelector[];
  readonly resultType: ResultType;
}

export type CoservCode = "profile-not-served";

/**
 * @param text base64url of the query, without padding: exactly one text for each query, so that it can be the key of a cache.
 * @throws MalformedError for what is no query, or asks for anything but reference values by class.
 * @throws PolicyError (profile-not-served) for a query of another profile, whatever else is in it.
 */
export function readCoservQuery(text: string): CoservQuery {
  if (text.length > MAX_TEXT) throw new MalformedError(FORMAT, `longer than ${MAX_QUERY} bytes`);
  const coserv = requireMap(
    decodeDeterministicCbor(decodeBase64Url(text), FORMAT, Object.values(TAG)),
    "the query",
  );
  requireProfile(coserv.get(COSERV.profile));
  requireMembers(coserv, Object.values(COSERV), "the query");
  const query = requireMap(coserv.get(COSERV.query), "member 1");
  requireMembers(query, Object.values(QUERY), "member 1");
  if (query.get(QUERY.artifactType) !== REFERENCE_VALUES)
    throw new MalformedError(FORMAT, `only reference values (artifact type ${REFERENCE_VALUES}) are served`);
  return {
    asked: query as ReadonlyMap<number, Cbor>,
    classes: readSelector(query.get(QUERY.selector)),
    resultType: readResultType(query.get(QUERY.resultType)),
  };
}

/** Text, or the bytes of an OID; in a CoRIM the text has a tag, here none. */
function requireProfile(profile: unknown): void {
  const isOid = profile instanceof Tagged && profile.tag === TAG.oid && profile.value instanceof Uint8Array;
  if (typeof profile !== "string" && !isOid)
    throw new MalformedError(FORMAT, "its profile is neither text nor an OID");
  if (profile !== CORIM_PROFILE) {
    const said = `the profile of this log is ${CORIM_PROFILE}`;
    throw new PolicyError<CoservCode>("profile-not-served", said);
  }
}

function readSelector(value: unknown): ClassSelector[] {
  const selector = requireMap(value, "the environment selector");
  const classes = selector.get(CLASSES);
  if (selector.size !== 1 || !Array.isArray(classes))
    throw new MalformedError(FORMAT, "only classes of environments can be asked for, in an array");
  if (classes.length === 0) throw new MalformedError(FORMAT, "it names no class");
  return classes.map(readStatefulClass);
}

function readStatefulClass(value: unknown): ClassSelector {
  if (!Array.isArray(value) || value.length !== 1)
    throw new MalformedError(FORMAT, "a class is an array of one map: measurements are not asked for here");
  const named = requireMap(value[0], "a class");
  if (named.size === 0) throw new MalformedError(FORMAT, "a class names nothing");
  for (const [key, member] of named)
    if (!CLASS_MEMBERS.get(key)?.(member))
      throw new MalformedError(FORMAT, `member ${String(key)} of a class is none, or of another type`);
  return {
    vendor: named.get(CLASS.vendor) as string | undefined,
    model: named.get(CLASS.model) as string | undefined,
    namesMore: [CLASS.id, CLASS.layer, CLASS.index].some((key) => named.has(key)),
  };
}

function readResultType(value: unknown): ResultType {
  const type = RESULT_TYPES.find((_, number) => number === value);
  if (type === undefined)
    throw new MalformedError(FORMAT, "result type: expected 0 (collected), 1 (source) or 2 (both)");
  return type;
}

function requireMap(value: unknown, what: string): ReadonlyMap<unknown, unknown> {
  if (!(value instanceof Map)) throw new MalformedError(FORMAT, `${what} is not a map`);
  return value;
}

function requireMembers(value: ReadonlyMap<unknown, unknown>, keys: readonly number[], what: string): void {
  if (value.size !== keys.length || !keys.every((key) => value.has(key)))
    throw new MalformedError(FORMAT, `${what} does not have the members ${keys.join(", ")} and no others`);
}
