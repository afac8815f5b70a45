// Lists of logs in the format of the public witness network: what is read, and what is refused with its line.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { COSIGNATURE_ML_DSA_44 } from "../../src/protocol/note/key.ts";
import { parseLogList } from "../../src/witness/log-list.ts";
import { logKey, testKey, vkeyOf, witnessKey } from "../support/notes.ts";
import { malformedOf } from "../support/refusals.ts";

const a = vkeyOf(await logKey("a.example/log"));
const b = vkeyOf(await logKey("b.example"));
const witness = vkeyOf(await witnessKey("w.example"));
const pq = vkeyOf(await testKey("a.example/log", COSIGNATURE_ML_DSA_44));

const WHOLE = `#
# List:      10qps-1Mlogs
#
logs/v0

# 1st list item
vkey ${a}
origin none
qpd 86400
bastion https://bastion.example/
contact https://a.example/contact

vkey ${b}
origin another.example/origin
qpd 24
bastion none
contact operators (at) b.example | and more
`;

describe("a list", () => {
  it("names logs by origin, which is the key's name unless it says another", () => {
    const logs = parseLogList(WHOLE);
    expect(logs.map(({ origin, perDay }) => [origin, perDay])).toEqual([
      ["a.example/log", 86_400],
      ["another.example/origin", 24],
    ]);
  });

  it("may leave out all but the key, and be empty", () => {
    expect(parseLogList(`logs/v0\nvkey ${a}\n`)).toMatchObject([
      { origin: "a.example/log", perDay: undefined },
    ]);
    expect(parseLogList("logs/v0\n")).toEqual([]);
    expect(parseLogList(`logs/v0\r\nvkey ${a}\r\n`)).toHaveLength(1);
  });

  it("gives a log that stands in it twice both keys, one key once, and the larger allowance", () => {
    const [log] = parseLogList(`logs/v0\nvkey ${a}\nqpd 5\nvkey ${pq}\nqpd 9\nvkey ${a}\n`);
    expect(log!.keys.map(({ type }) => type)).toEqual([0x01, 0x06]);
    expect(log!.perDay).toBe(9);
  });
});

describe("is refused", () => {
  it.each<[string, string, string]>([
    ["without its header", `vkey ${a}\n`, "line 1"],
    ["of another version", `\nlogs/v1\nvkey ${a}\n`, "line 2"],
    [
      "with a key whose id is not its own",
      `logs/v0\nvkey ${a.replace(/\+[0-9a-f]{8}\+/, "+00000000+")}\n`,
      "line 2",
    ],
    ["with a witness' key", `logs/v0\nvkey ${witness}\n`, "line 2"],
    ["with a field in front of the first key", "logs/v0\nqpd 5\n", "line 2"],
    ["with a field twice", `logs/v0\nvkey ${a}\nqpd 5\nqpd 6\n`, "line 4"],
    ["with a field that nobody knows", `logs/v0\nvkey ${a}\nurl https://a.example\n`, "line 3"],
    ["with a field without a value", `logs/v0\nvkey ${a}\nqpd \n`, "line 3"],
    ["with a number that is none", `logs/v0\nvkey ${a}\nqpd many\n`, "line 2"],
    ["with an origin that no checkpoint can have", `logs/v0\nvkey ${a}\norigin a b\n`, "line 2"],
  ])("%s", async (_, text, at) => {
    expect((await malformedOf(() => parseLogList(text)))?.at).toBe(at);
  });

  it("as malformed and nothing else, cut anywhere and whatever it is", async () => {
    for (let length = 0; length < WHOLE.length; length++)
      await malformedOf(() => parseLogList(WHOLE.slice(0, length)));
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", maxLength: 300 }), async (text) => {
        await malformedOf(() => parseLogList(text));
        await malformedOf(() => parseLogList(`logs/v0\nvkey ${a}\n${text}`));
      }),
    );
  });
});
