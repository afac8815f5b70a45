// What a client accepts is read as RFC 9110 says, and never guessed from a part of a word.
import { describe, expect, test } from "vitest";
import { acceptsCoding, chooseMediaType } from "../../../src/service/http/accept.ts";
import { chooseCoding } from "../../../src/service/http/encoded-body.ts";

describe("Accept-Encoding (RFC 9110 §12.5.3)", () => {
  test.each([
    [undefined, "identity"],
    ["", "identity"],
    ["br", "br"],
    ["BR", "br"],
    ["gzip, deflate, br, zstd", "br"],
    ["gzip,br", "br"],
    ["gzip", "gzip"],
    ["x-br", "identity"],
    ["x-gzip, x-br", "identity"],
    ["br-x", "identity"],
    ["br;q=0", "identity"],
    ["br;q=0, gzip", "gzip"],
    ["br; q=0.000", "identity"],
    ["*", "br"],
    ["*;q=0", "identity"],
    ["*;q=0, gzip", "gzip"],
    ["identity", "identity"],
    ["identity;q=0, gzip;q=0.1", "gzip"],
  ])("%j is answered in %s", (header, coding) => {
    expect(chooseCoding(header)).toBe(coding);
  });

  test("a coding that is not named, and no *, is not accepted", () => {
    expect(acceptsCoding("deflate", "gzip")).toBe(false);
  });
});

describe("Accept (RFC 9110 §12.5.1)", () => {
  test.each([
    [undefined, "application/json"],
    ["*/*", "application/json"],
    ["text/plain", "text/plain"],
    ["TEXT/PLAIN", "text/plain"],
    ["text/*", "text/plain"],
    ["text/plain;q=0", "application/json"],
    ["text/plain;q=0, */*", "application/json"],
    ["text/plain;q=0.4, application/json;q=0.5", "application/json"],
    ["text/plain;q=0.5, application/json;q=0.4", "text/plain"],
    ["text/plain, application/json", "application/json"],
    ["text/plain, */*;q=0.1", "text/plain"],
    ["application/json;q=0, */*", "text/plain"],
    ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/json"],
    ["image/png", "application/json"],
    ["x-text/plain", "application/json"],
  ])("%j is answered with %s", (header, type) => {
    expect(chooseMediaType(header, ["application/json", "text/plain"])).toBe(type);
  });
});
