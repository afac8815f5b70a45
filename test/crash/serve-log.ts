// A process that serves a log under load until it is killed. It says what it acknowledges and which checkpoints it shows, one JSON
// object a line, and nothing that it says may be untrue afterwards. Arguments: the folder, a label for the names of its entries.
import { writeSync } from "node:fs";
import { revocationPredicate } from "../support/document-predicates.ts";
import { LogHarness } from "../support/log-harness.ts";
import { platformPredicate } from "../support/release-predicates.ts";
import { signStatement } from "../support/signing.ts";

/** What the process says. */
export type Said =
  | { acknowledged: { index: number; digest: string } }
  | { checkpoint: string }
  | { ready: number }
  | { failed: string };

const CLIENTS = 24;
const [folder = "", label = ""] = process.argv.slice(2);

/** Synchronous: what was said is in the pipe when the next thing happens. */
function say(said: Said): void {
  writeSync(1, `${JSON.stringify(said)}\n`);
}

const harness = await LogHarness.at(folder, { withStatus: true });
harness.clock.now = new Date();
setInterval(() => {
  harness.clock.now = new Date();
}, 100);
const log = await harness.open();
const { keys } = harness;
log.onPublished(({ note }) => say({ checkpoint: note }));
if (log.read.published()) say({ checkpoint: log.read.published()!.note });
say({ ready: log.read.published()?.checkpoint.size ?? 0 });

async function client(number: number): Promise<never> {
  for (let i = 0; ; i++) {
    const name = `${label}-${number}-${i}`;
    const entry = await signStatement("platform", platformPredicate(name), [keys.publisher]);
    const [outcome] = await log.publish([entry]);
    if (outcome?.state === "published")
      say({ acknowledged: { index: outcome.index, digest: entry.payloadDigest } });
    if (number === 0 && i % 200 === 20) {
      const revocation = revocationPredicate({ name: `revoke-${name}`, digests: [entry.payloadDigest] });
      await log.publish([await signStatement("revocation", revocation, [keys.revocation])]);
    }
  }
}

try {
  await Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)));
} catch (error) {
  say({ failed: String(error) });
  process.exit(1);
}
