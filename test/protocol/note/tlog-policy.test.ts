import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { MalformedError } from "../../../src/protocol/errors.ts";
import { COSIGNATURE_ML_DSA_44, formatVerifierKey } from "../../../src/protocol/note/key.ts";
import {
  isQuorumMet,
  logKeyOf,
  MAX_POLICY_BYTES,
  needsMlDsa44,
  parseTlogPolicy,
} from "../../../src/protocol/note/tlog-policy.ts";
import { logKey, testKey, vkeyOf, witnessKey } from "../../support/notes.ts";
import { malformedOf } from "../../support/refusals.ts";

const log = vkeyOf(await logKey("log.example"));
const [w1, w2, w3] = (await Promise.all(["w1.example", "w2.example", "w3.example"].map(witnessKey))).map(
  vkeyOf,
) as [string, string, string];
const mlDsa = vkeyOf(await testKey("log.example", COSIGNATURE_ML_DSA_44));
const HEAD = `log ${log} https://log.example/\nwitness W1 ${w1} https://w1.example/add\nwitness W2 ${w2}\nwitness W3 ${w3}\n`;
const POLICY = `${HEAD}group G 2 W1 W2 W3\nquorum G\n`;

const metBy = (text: string, ...names: string[]): boolean => {
  const policy = parseTlogPolicy(text);
  return isQuorumMet(
    policy,
    policy.witnesses.filter((w) => names.includes(w.name)).map((w) => w.key),
  );
};

describe("tlog-policy", () => {
  it("is read with logs, witnesses, groups, quorum and URLs", () => {
    const policy = parseTlogPolicy(utf8(POLICY));
    expect(policy.logs.map(({ key, url }) => [key.name, url])).toEqual([
      ["log.example", "https://log.example/"],
    ]);
    expect(policy.witnesses.map(({ name, key, url }) => [name, key.name, url])).toEqual([
      ["W1", "w1.example", "https://w1.example/add"],
      ["W2", "w2.example", undefined],
      ["W3", "w3.example", undefined],
    ]);
    expect(policy.groups).toEqual([{ name: "G", threshold: 2, members: ["W1", "W2", "W3"] }]);
    expect(policy.quorum).toBe("G");
  });

  it("names the key of its log", () => {
    expect(logKeyOf(POLICY).name).toBe("log.example");
    expect(() => logKeyOf(POLICY.replace(/^log .*\n/, ""))).toThrow("names no log key");
  });

  it("names the Ed25519 key of its log, where a key of another type stands before it", () => {
    expect(formatVerifierKey(logKeyOf(`log ${mlDsa}\n${POLICY}`))).toBe(log);
    expect(() => logKeyOf(`log ${mlDsa}\nquorum none\n`)).toThrow("names no log key");
  });

  it("needs ML-DSA-44 for a witness that its quorum counts, through any depth of groups, and for no other", () => {
    const needs = (rules: string) => needsMlDsa44(parseTlogPolicy(`${HEAD}witness P ${mlDsa}\n${rules}`));
    expect(needs("quorum P\n")).toBe(true);
    expect(needs("group G any P\ngroup H any W1 G\ngroup I all W2 H\nquorum I\n")).toBe(true);
    expect(needs("quorum W1\n")).toBe(false);
    expect(needs("group G any P\ngroup H any W1 G\nquorum W2\n")).toBe(false);
    expect(needs("group G any W2 P\ngroup H any W1 W3\nquorum H\n")).toBe(false);
  });

  it("is read up to 131,072 bytes", () => {
    const padded = (length: number) => `#${" ".repeat(length - POLICY.length - 2)}\n${POLICY}`;
    expect(parseTlogPolicy(padded(MAX_POLICY_BYTES)).quorum).toBe("G");
    expect(() => parseTlogPolicy(padded(MAX_POLICY_BYTES + 1))).toThrow(/^tlog-policy: longer/);
  });

  it("takes thresholds from 1 to the number of members, and no text that only begins with a number", async () => {
    const keys = await Promise.all(Array.from({ length: 12 }, (_, i) => witnessKey(`m${i}.example`)));
    const names = keys.map((_, i) => `M${i}`).join(" ");
    const head = `log ${log}\n${keys.map((key, i) => `witness M${i} ${vkeyOf(key)}\n`).join("")}`;
    const threshold = (rule: string) =>
      parseTlogPolicy(`${head}group G ${rule} ${names}\nquorum G\n`).groups[0]?.threshold;
    expect(["1", "2", "10", "12", "any", "all"].map(threshold)).toEqual([1, 2, 10, 12, 1, 12]);
    for (const rule of ["0", "13", "2x", "x2", "-1", "1.5", "10000", "every"])
      expect(() => threshold(rule), rule).toThrow(MalformedError);
  });

  it("may have comments on lines of their own", () => {
    expect(parseTlogPolicy(`#no comment\n  # none either\n\n${POLICY}`)).toEqual(parseTlogPolicy(POLICY));
  });

  it("is refused with a word that it does not know in place of quorum", () => {
    expect(() => parseTlogPolicy(POLICY.replace("quorum", "quorums"))).toThrow(MalformedError);
  });

  it("counts distinct witnesses towards a threshold, and one twice only once", () => {
    expect(metBy(POLICY)).toBe(false);
    expect(metBy(POLICY, "W3")).toBe(false);
    expect(metBy(POLICY, "W1", "W3")).toBe(true);
    const policy = parseTlogPolicy(POLICY);
    const { key } = policy.witnesses[0]!;
    expect(isQuorumMet(policy, [key, key, { ...key }])).toBe(false);
  });

  it("does not count a key that it does not list under that name", () => {
    const policy = parseTlogPolicy(POLICY);
    const keys = policy.witnesses.map(({ key }) => key);
    expect(isQuorumMet(policy, [keys[0]!, { ...keys[1]!, name: "other.example" }])).toBe(false);
    expect(isQuorumMet(policy, [keys[0]!, policy.logs[0]!.key])).toBe(false);
  });

  it("nests groups by any, all and numbers", () => {
    const nested = `${HEAD}group A any W1 W2\ngroup B all A W3\nquorum B\n`;
    expect(metBy(nested, "W3")).toBe(false);
    expect(metBy(nested, "W1", "W2")).toBe(false);
    expect(metBy(nested, "W2", "W3")).toBe(true);
    expect(metBy(`${HEAD}quorum W2\n`, "W1", "W3")).toBe(false);
    expect(metBy(`${HEAD}quorum W2\n`, "W2")).toBe(true);
    expect(metBy(`${HEAD}quorum none\n`)).toBe(true);
  });

  it("allows tabs, spaces, empty lines and comment lines", () => {
    expect(
      metBy(`\n \t \n  # comment ☂ \n\tlog\t${log}\t\n  witness  W1   ${w1}  \n quorum W1\n`, "W1"),
    ).toBe(true);
  });

  it.each([
    ["no quorum", HEAD],
    ["two quorums", `${POLICY}quorum W1\n`],
    ["a quorum without a name", `${HEAD}quorum\n`],
    ["a quorum of two names", `${HEAD}quorum W1 W2\n`],
    ["a quorum that is not defined", `${HEAD}quorum W4\n`],
    ["no newline at the end", POLICY.slice(0, -1)],
    ["carriage returns", POLICY.replaceAll("\n", "\r\n")],
    ["a form feed", `# \f\n${POLICY}`],
    ["a delete character", `# \u007f\n${POLICY}`],
    ["a lone surrogate", `# \ud800\n${POLICY}`],
    ["a comment behind items", POLICY.replace("quorum G", "quorum G # two of three")],
    ["an unknown line", `mirror ${log}\n${POLICY}`],
    ["a log without a key", `log\n${POLICY}`],
    ["a log with three items", `log ${log} https://a/ https://b/\nquorum none\n`],
    ["one log key twice", `log ${log}\n${POLICY}`],
    ["one witness key twice", `${HEAD}witness W4 ${w3}\nquorum W1\n`],
    ["one witness name twice", `witness W1 ${w1}\nwitness W1 ${w2}\nquorum W1\n`],
    ["a witness without a key", "witness W1\nquorum W1\n"],
    ["a witness with four items", `witness W1 ${w1} a b\nquorum W1\n`],
    ["a witness called none", `witness none ${w1}\nquorum none\n`],
    ["a group called none", `${HEAD}group none any W1\nquorum none\n`],
    ["a group with a witness' name", `${HEAD}group W1 any W2\nquorum W1\n`],
    ["a group without members", `${HEAD}group G any\nquorum W1\n`],
    ["a group without a rule", `${HEAD}group G\nquorum W1\n`],
    ["a group of itself", `${HEAD}group G any G\nquorum G\n`],
    ["a group defined later", `${HEAD}group G any H\ngroup H any W1\nquorum G\n`],
    ["none as a member", `${HEAD}group G any none\nquorum G\n`],
    ["a member twice", `${HEAD}group G all W1 W1\nquorum G\n`],
    ["a member of two groups", `${HEAD}group G any W1\ngroup H any W1\nquorum G\n`],
    ["a threshold of 0", `${HEAD}group G 0 W1\nquorum G\n`],
    ["a threshold above its members", `${HEAD}group G 4 W1 W2 W3\nquorum G\n`],
    ["a threshold with a zero in front", `${HEAD}group G 01 W1\nquorum G\n`],
    ["a threshold in hex", `${HEAD}group G 0x1 W1\nquorum G\n`],
    ["a threshold of many digits", `${HEAD}group G 10000000000000000001 W1\nquorum G\n`],
    ["a cosignature key for a log", `log ${w1}\nquorum none\n`],
    ["a log key for a witness", `witness W1 ${log}\nquorum W1\n`],
    ["a key whose id does not fit", POLICY.replace(/w1\.example\+[0-9a-f]{8}/, "w1.example+00000000")],
  ])("is malformed with %s", (_, text) => {
    expect(() => parseTlogPolicy(text)).toThrow(MalformedError);
  });

  it("is malformed when long or outside UTF-8, where the specification would allow any octets in names", () => {
    expect(() => parseTlogPolicy(`#${"x".repeat(MAX_POLICY_BYTES)}\n${POLICY}`)).toThrow(/longer than/);
    expect(() => parseTlogPolicy(Uint8Array.of(0x23, 0xff, 0x0a))).toThrow(MalformedError);
  });

  it("names the line at fault", () => {
    expect(() => parseTlogPolicy(`${HEAD}group G 9 W1\nquorum G\n`)).toThrow(
      expect.objectContaining({ at: "line 5" }),
    );
  });

  it("has room for 32 logs, witnesses and groups", async () => {
    const logs = await Promise.all(Array.from({ length: 32 }, (_, i) => logKey(`log${i}.example`)));
    const witnesses = await Promise.all(Array.from({ length: 32 }, (_, i) => witnessKey(`w${i}.example`)));
    const text = [
      ...logs.map((key) => `log ${vkeyOf(key)}`),
      ...witnesses.map((key, i) => `witness W${i} ${vkeyOf(key)}`),
      ...witnesses.map((_, i) => (i === 0 ? "group G0 all W0" : `group G${i} all G${i - 1} W${i}`)),
      "quorum G31\n",
    ].join("\n");
    const names = witnesses.map((_, i) => `W${i}`);
    expect(metBy(text, ...names)).toBe(true);
    expect(metBy(text, ...names.slice(1))).toBe(false);
  });

  it("is read or refused as malformed with any character replaced", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(POLICY.length), fc.nat(9), fc.string({ maxLength: 3 }), async (i, cut, put) => {
        await malformedOf(() => {
          const policy = parseTlogPolicy(POLICY.slice(0, i) + put + POLICY.slice(i + cut));
          expect(isQuorumMet(policy, [])).toBe(policy.quorum === "none");
        });
      }),
      { numRuns: 1000 },
    );
  });
});
