// Where the log reaches its witnesses: at the URLs of the trust root in force, unless its own configuration says another for the name.
import { afterEach, expect, it } from "vitest";
import { type Cosigner, OwnCosigner } from "../../../src/log/checkpointing/cosigner.ts";
import type { Log } from "../../../src/log/log.ts";
import { LogHarness } from "../../support/log-harness.ts";
import { vkeyOf } from "../../support/notes.ts";
import { signPlatforms, signStatement } from "../../support/signing.ts";
import { trustRootPredicate } from "../../support/trust-root.ts";
import { logKey, witnessKey } from "../../support/witnesses.ts";

const own = await witnessKey("own.example");
const outside = await witnessKey("w1.example");

let harness: LogHarness;
let log: Log;
const reached: string[] = [];

/** A witness at any URL, which answers. */
function witnessAt(name: string, url: string): Cosigner {
  reached.push(`${name} ${url}`);
  const cosigner = new OwnCosigner(outside, () => harness.clock.now);
  return { name, gather: (request) => cosigner.gather(request) };
}

const policy = async (url: string) =>
  [
    `log ${vkeyOf(await logKey())} https://log.example`,
    `witness own ${vkeyOf(own)} https://log.example`,
    `witness W1 ${vkeyOf(outside)} ${url}`,
    "group all-witnesses all own W1",
    "quorum all-witnesses\n",
  ].join("\n");

async function begin(url: string, configured: readonly Cosigner[] = []): Promise<void> {
  reached.length = 0;
  const ownCosigner = new OwnCosigner(own, () => harness.clock.now);
  harness = await LogHarness.make({
    cosigners: [ownCosigner, ...configured],
    trustRoot: { logPolicy: await policy(url) },
    config: { witnessAt, limits: { retryMs: 20, tickMs: 20 } },
  });
  log = await harness.create();
}

afterEach(async () => {
  await log.close();
  harness.remove();
});

it("a witness is asked where the trust root says, once for all checkpoints; the log's own cosigner is not", async () => {
  await begin("https://w1.example");
  await log.publish(await signPlatforms(harness.keys, "another", 1));
  expect(log.read.published()?.checkpoint.size).toBe(2);
  expect(reached).toEqual(["W1 https://w1.example"]);
});

it("a configured witness of the same name is asked instead", async () => {
  const moved = new OwnCosigner(outside, () => harness.clock.now);
  await begin("https://gone.example", [{ name: "W1", gather: (request) => moved.gather(request) }]);
  expect(log.read.published()?.checkpoint.size).toBe(1);
  expect(reached).toEqual([]);
});

it("a new trust root moves it", async () => {
  await begin("https://w1.example");
  const change = {
    version: 2,
    previous: log.registered.trustRoots[0]!.digest,
    logPolicy: await policy("https://w1.example/moved"),
  };
  const next = await trustRootPredicate(harness.keys, change);
  await log.publish([await signStatement("trust-root", next, harness.keys.root.slice(0, 1))]);
  expect(reached).toEqual(["W1 https://w1.example", "W1 https://w1.example/moved"]);
});
