// Writes an entry of a log as lines for people. What the log says beside the envelope is its word; the statement is read out of the envelope.
import * as z from "zod";
import { readAs } from "../protocol/encoding/shape.ts";
import { describeReference } from "../protocol/entry/reference.ts";
import { envelopeFromJson } from "../protocol/envelope/dsse.ts";
import { printable } from "../protocol/errors.ts";

const shape = z.object({
  index: z.int(),
  envelope: z.unknown(),
  coveredBy: z.object({ size: z.int(), cosignedAt: z.string() }),
  revokedBy: z.array(z.int()),
});

/** Longer lists are cut: the golden tables of firmware have hundreds of values. */
const MAX_ITEMS = 16;

/** @throws MalformedError when it is no entry as `/v1/entries/{index}` answers it. */
export function entryLines(json: unknown): string[] {
  const { index, envelope: signed, coveredBy, revokedBy } = readAs(shape, json, "entry");
  const { statement, payloadDigest, signatures } = envelopeFromJson(signed);
  return [
    `entry ${index}: ${describeReference(statement)}`,
    revokedBy.length === 0 ? "  not revoked" : `  REVOKED by entry ${revokedBy.join(", ")}`,
    `  logged not later than ${printable(coveredBy.cosignedAt)}, in the tree of ${coveredBy.size} entries`,
    `  payload sha256:${payloadDigest}`,
    ...signatures.map(({ keyId }) => `  signed by key ${keyId}`),
    ...statement.subject.map(({ name, digest }) => `  of ${printable(name)} sha256:${digest.sha256}`),
    "",
    ...valueLines(statement.predicate, "  "),
  ];
}

/** "name: value", and what a value consists of below it. */
function valueLines(value: object, indent: string): string[] {
  return Object.entries(value).flatMap(([name, item]) => {
    const label = `${indent}${printable(name)}:`;
    if (!Array.isArray(item))
      return isNested(item) ? [label, ...nestedLines(item, indent)] : [`${label} ${scalar(item)}`];
    return item.length === 0 ? [`${label} none`] : [label, ...listLines(item, `${indent}  `)];
  });
}

function listLines(items: readonly unknown[], indent: string): string[] {
  const shown = items.slice(0, MAX_ITEMS).flatMap((item) => {
    if (!isNested(item)) return [`${indent}- ${scalar(item)}`];
    const [first = "", ...rest] = nestedLines(item, indent);
    return [`${indent}- ${first.trimStart()}`, ...rest];
  });
  const more = items.length - MAX_ITEMS;
  return more > 0 ? [...shown, `${indent}… and ${more} more; --json shows all`] : shown;
}

/** References are what most of an entry is made of: one line each. */
function nestedLines(item: object, indent: string): string[] {
  const { kind, name, version, digest } = item as Record<string, unknown>;
  if (
    Object.keys(item).length === 4 &&
    [kind, name, version, digest].every((part) => typeof part === "string")
  )
    return [`${indent}  ${scalar(`${kind}/${name}@${version}`)} sha256:${scalar(digest)}`];
  return valueLines(item, `${indent}  `);
}

function isNested(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function scalar(value: unknown): string {
  if (value === null) return "none";
  const lines = printable(String(value));
  return lines.replaceAll("\n", " ");
}
