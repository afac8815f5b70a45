// Bundles, evidence and certificates are written by strangers, and what is wrong with them is shown to people: no message may move a
// terminal's cursor, turn the direction of reading, or fill the screen. Else "rejected" could be made to read "trusted".
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { origin } from "../../src/protocol/entry/fields.shape.ts";
import { canonicalize } from "../../src/protocol/envelope/canonical-json.ts";
import { parseJson } from "../../src/protocol/envelope/parse-json.ts";
import { parseStatement } from "../../src/protocol/envelope/statement.ts";
import { PolicyError, VerificationError } from "../../src/protocol/errors.ts";
import { CheckList } from "../../src/verifier/check-list.ts";
import { malformedOf } from "../support/refusals.ts";

const HOSTILE: Array<[string, string]> = [
  ["clear screen", "\u001b[2J"],
  ["clear screen in one character", "\u009b2J"],
  ["a line of its own", "\r\nTRUSTED"],
  ["right to left", "\u202e"],
  ["an isolate", "\u2066"],
];
const MOVES = /[\p{Cc}\p{Bidi_Control}]/u;

describe.each(HOSTILE)("%s", (_, hostile) => {
  it("is shown by no error", async () => {
    const statement = {
      _type: "https://in-toto.io/Statement/v1",
      subject: [{ name: "x", digest: { sha256: "0".repeat(64) } }],
      predicateType: "urn:touchstone:gsp-firmware:v1",
      predicate: {},
      [hostile]: 1,
    };
    const error = await malformedOf(() => parseStatement(utf8(canonicalize(statement))));
    expect(error?.message).toContain("Unrecognized key");
    expect(error?.message).not.toMatch(MOVES);
    expect(new VerificationError<string>("code", hostile).message).not.toMatch(MOVES);
    expect(new PolicyError<string>("code", hostile).message).not.toMatch(MOVES);
  });

  it("is shown by no check", async () => {
    const list = new CheckList(["a", "b"]);
    list.equal("a", hostile, `${hostile}x`, { detail: hostile });
    await list.attempt("b", () => {
      throw new TypeError(hostile);
    });
    for (const { expected, actual, detail } of list.checks)
      for (const shown of [expected, actual, detail]) expect(shown ?? "").not.toMatch(MOVES);
    expect(list.accepted).toBe(false);
  });

  it("is in no text of an entry", () => {
    expect(origin.safeParse(`name ${hostile}`).error).toBeDefined();
  });
});

it("cuts what is longer than a page", async () => {
  const name = JSON.stringify("A".repeat(100_000));
  const error = await malformedOf(() => parseJson(`{${name}:1,${name}:2}`, 1_000_000));
  expect(error?.message.length).toBeLessThan(5000);
});
