// A time that does not exist is refused wherever a time is given: JavaScript would make 30 February 2 March without a word.
import { InvalidArgumentError } from "commander";
import { describe, expect, it } from "vitest";
import { parseTime } from "../../src/cli/options.ts";
import { time } from "../../src/protocol/entry/fields.shape.ts";
import { parseToml } from "../../src/publisher/parse-toml.ts";
import { malformedOf } from "../support/refusals.ts";

const NONE = [
  "2026-02-30T00:00:00Z",
  "2026-02-29T00:00:00Z",
  "2026-06-31T12:00:00+02:00",
  "2026-04-31T00:00:00.5Z",
  "2026-13-01T00:00:00Z",
  "2026-00-10T00:00:00Z",
  "2026-01-00T00:00:00Z",
  "2026-02-28T24:00:00Z",
  "2026-02-28T12:60:00Z",
  "2026-02-28T23:59:60Z",
];

describe("--now, --as-of and every other option that takes a time", () => {
  it.each(NONE)("refuses %s", (text) => {
    expect(() => parseTime(text)).toThrow(InvalidArgumentError);
    expect(() => parseTime(text)).toThrow("is not a time that exists");
  });

  it("takes what exists, in any zone", () => {
    expect(parseTime("2028-02-29T23:30:00-02:00").toISOString()).toBe("2028-03-01T01:30:00.000Z");
    expect(parseTime("2026-12-31T23:59:59.250Z").toISOString()).toBe("2026-12-31T23:59:59.250Z");
  });

  it("says of other text what it expects", () => {
    for (const text of ["yesterday", "2026-02-28", "2026-02-28 12:00:00Z", "2026-02-28T12:00Z", ""])
      expect(() => parseTime(text)).toThrow("expected an RFC 3339 time");
  });
});

describe("documents", () => {
  it.each(NONE.filter((text) => /:\d\dZ$/.test(text)))("refuse %s", (text) => {
    expect(time.safeParse(text).error?.issues[0]?.message).toBe("is not a time that exists");
  });
});

describe("the files that publishers write by hand", () => {
  it.each(["2026-02-30T00:00:00Z", "2026-02-30 00:00:00Z", "2026-06-31T00:00:00+02:00", "2026-02-30"])(
    "refuse %s",
    async (text) => {
      const error = await malformedOf(() => parseToml(`[[rim]]\nverifiedAt = ${text}\n`, "release file"));
      expect(error?.message).toContain("is not a time that exists");
    },
  );

  it("take what exists, in any zone, and times of no day", () => {
    const text = "a = 2026-03-02T00:30:00+02:00\nb = 2028-02-29\nc = 07:32:00\nd = [1979-05-27T07:32:00]\n";
    expect(Object.keys(parseToml(text, "release file"))).toEqual(["a", "b", "c", "d"]);
  });
});
