// Errors of two copies of the same files: an application may have the main package and the verifier's.
import { describe, expect, it } from "vitest";
import * as ours from "../../src/protocol/errors.ts";
import * as ourVerifier from "../../src/verifier/index.ts";
import { bundle } from "../support/example-build.ts";

/** The verifier and its errors as another package would hold them: the same files, built by themselves. */
const code = await bundle({ code: `export * from "touchstone/verifier";` }, "node");
const theirs: typeof ourVerifier = await import(`data:text/javascript,${encodeURIComponent(code)}`);

type ErrorClass = new (code: never, message: string) => Error;
const classesOf = ({ MalformedError, VerificationError, PolicyError }: typeof ourVerifier) =>
  new Map<string, ErrorClass>(Object.entries({ MalformedError, VerificationError, PolicyError }));
const [here, there] = [classesOf(ourVerifier), classesOf(theirs)];
const KINDS = [...here.keys()];
const make = (copy: typeof here, kind: string): Error => new (copy.get(kind)!)("code" as never, "why");
const kindsOf = (copy: typeof here, value: unknown) =>
  KINDS.filter((kind) => value instanceof copy.get(kind)!);

describe("an error", () => {
  it.each(KINDS)("%s of another copy is an instance of ours, and ours of theirs", (kind) => {
    expect(there.get(kind)).not.toBe(here.get(kind));
    for (const error of [make(here, kind), make(there, kind)]) {
      expect(kindsOf(here, error)).toEqual([kind]);
      expect(kindsOf(there, error)).toEqual([kind]);
    }
  });

  it.each(KINDS)("of another library that calls its own %s so is not ours", (name) => {
    const namesake = Object.assign(new Error("why"), { name, code: "code" });
    for (const value of [namesake, new Error("why"), {}, "text", null, undefined, Symbol("mark")])
      expect(kindsOf(here, value)).toEqual([]);
  });

  it("of a class that extends one of them is told by its own class", () => {
    class Narrower extends ours.VerificationError<"code"> {}
    expect(new Narrower("code", "why")).toBeInstanceOf(Narrower);
    expect(new Narrower("code", "why")).toBeInstanceOf(theirs.VerificationError);
    expect(make(here, "VerificationError")).not.toBeInstanceOf(Narrower);
  });

  it("of the other copy's verifier is caught by its class here", async () => {
    const options = {
      pin: { origin: "example.com", version: 1, digest: "" },
      policy: "production",
      now: new Date(),
      remembered: null,
    };
    for (const { verifyBundle } of [ourVerifier, theirs])
      await expect(verifyBundle(new Uint8Array(), options)).rejects.toThrow(ours.MalformedError);
  });
});
