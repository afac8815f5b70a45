// Reads and writes in-toto Statements v1 (github.com/in-toto/attestation, spec/v1/statement.md), with a predicate of one of our kinds.
// The payload must equal its own RFC 8785 form, so that two parties who agree on the content agree on the digest.
import { readPart } from "../encoding/shape.ts";
import { utf8 } from "../encoding/text.ts";
import {
  isReleaseKind,
  type Kind,
  kindOfPredicateType,
  type Predicate,
  predicateShape,
  predicateTypeOf,
} from "../entry/kinds.ts";
import { MalformedError } from "../errors.ts";
import type { Reading } from "../shape/shape.ts";
import { canonicalDigest } from "./canonical-digest.ts";
import { canonicalize } from "./canonical-json.ts";
import { readCanonical } from "./read-canonical.ts";
import { type Subject, statementFrame } from "./statement.shape.ts";

export type { Subject } from "./statement.shape.ts";

const FORMAT = "statement";
const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";

/**
 * A statement of one kind. `version` is the release version, or the decimal version or sequence of a document.
 * @example
 * ```ts
 * import type { StatementOf } from "touchstone/protocol";
 * const platformSvn = ({ predicate }: StatementOf<"platform">): number => predicate.svn;
 * ```
 */
export interface StatementOf<K extends Kind> {
  readonly kind: K;
  readonly name: string;
  readonly version: string;
  readonly subject: readonly Subject[];
  readonly predicate: Predicate<K>;
}
/**
 * @example
 * ```ts
 * import type { Statement } from "touchstone/protocol";
 * const isPolicy = (statement: Statement): boolean => statement.kind === "policy";
 * ```
 */
export type Statement = { [K in Kind]: StatementOf<K> }[Kind];

/**
 * Reads a DSSE payload.
 * @throws MalformedError with a JSON pointer when it is not canonical, of an unknown kind, or not what the kind's schema asks.
 * @example
 * ```ts
 * import { parseStatement } from "touchstone/protocol";
 * const nameOf = (payload: Uint8Array): string => parseStatement(payload).name;
 * ```
 */
export function parseStatement(payload: Uint8Array): Statement {
  return readCanonical(payload, FORMAT, readStatement);
}

function readStatement(json: unknown, reading: Reading): Statement {
  const frame = readPart(statementFrame, json, reading, FORMAT);
  const kind = kindOfPredicateType(frame.predicateType);
  if (kind === undefined) {
    throw new MalformedError(
      FORMAT,
      `predicateType ${JSON.stringify(frame.predicateType.slice(0, 100))} is not known`,
      "/predicateType",
    );
  }
  const predicate = readPart(predicateShape(kind), frame.predicate, reading, FORMAT, "/predicate");
  const statement = {
    kind,
    name: predicate.name,
    version: versionOf(predicate),
    subject: frame.subject,
    predicate,
  } as Statement;
  if (!isReleaseKind(kind)) checkDocumentSubject(statement);
  return statement;
}

/**
 * Writes a statement as the bytes that are signed. Documents without an artefact get their one subject.
 * @example
 * ```ts
 * import { formatStatement, type Predicate } from "touchstone/protocol";
 * const draft = (predicate: Predicate<"platform">): Uint8Array => formatStatement("platform", predicate);
 * ```
 */
export function formatStatement<K extends Kind>(
  kind: K,
  predicate: Predicate<K>,
  subjects: readonly Subject[] = [],
): Uint8Array {
  const subject = isReleaseKind(kind) ? subjects : [documentSubject(kind, predicate)];
  const payload = utf8(
    canonicalize({ _type: STATEMENT_TYPE, subject, predicateType: predicateTypeOf(kind), predicate }),
  );
  parseStatement(payload);
  return payload;
}

/** The identity under which an entry is immutable: kind, name and version. */
function versionOf(predicate: Predicate): string {
  return String("sequence" in predicate ? predicate.sequence : predicate.version);
}

function documentSubject(kind: Kind, predicate: Predicate): Subject {
  return {
    name: `touchstone:${kind}/${predicate.name}`,
    digest: { sha256: canonicalDigest(predicate) },
  };
}

function checkDocumentSubject(statement: Statement): void {
  const expected = [documentSubject(statement.kind, statement.predicate)];
  if (canonicalize(statement.subject) !== canonicalize(expected)) {
    throw new MalformedError(FORMAT, `the one subject must be ${canonicalize(expected[0])}`, "/subject");
  }
}
