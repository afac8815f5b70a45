// Tells what a client sees that sends its prompt through the gate: a good machine answers, another one in its place gets nothing, and a
// revocation cuts a reply that is under way.
import { createGate, type Gate, GateError } from "../../gate/index.ts";
import { bootEvents, type MachineOptions, makeVendors, type Vendors } from "../../testing/index.ts";
import { reasonOf } from "../../verifier/appraisal/verdict.ts";
import { createMemoryStore } from "../../verifier/bundle/state-store.ts";
import type { TrustPin } from "../../verifier/bundle/trust-pin.ts";
import type { CliContext } from "../context.ts";
import { type MadeUpMachine, startMadeUpMachine } from "./made-up-machine.ts";

interface Scene {
  readonly log: string;
  readonly policy: string;
  readonly pin: TrustPin;
  readonly context: CliContext;
  /** What every good machine has in common. */
  readonly machine: Partial<MachineOptions>;
}

const PROMPT = "What does my diagnosis mean?";
const REPLY = ["It ", "means ", "that ", "you ", "should ", "rest ", "for ", "a ", "week."];
/** Asked so often, the log is heard soon; the default is a minute. */
const STATUS_MAX_AGE_MS = 300;

export async function askThroughGate(scene: Scene): Promise<void> {
  const { context } = scene;
  const vendors = await makeVendors(context.now());
  const good = await start(scene, vendors, {}, REPLY);
  const gate = openGate(scene, good.origin, vendors);
  try {
    context.print(`   the client asks, and the reply streams: ${await ask(gate, good)}`);
    await good.stop();
    const other = await start(scene, vendors, { events: bootEvents("another image") }, REPLY, good.port);
    context.print(
      "   the machine is replaced by one that booted another image, behind the same name; the client asks again:",
    );
    context.print(`   ${await ask(gate, other)}`);
    context.print(
      `   the other machine has seen ${other.seen.requests} requests and ${other.seen.bytes} bytes of the prompt`,
    );
    await other.stop();
  } finally {
    await gate.close();
  }
}

/** @param revoke what happens while the reply is under way. */
export async function cutByRevocation(scene: Scene, revoke: () => Promise<void>): Promise<void> {
  const { context } = scene;
  const vendors = await makeVendors(context.now());
  const machine = await start(scene, vendors, {}, wordsForEver());
  const gate = openGate(scene, machine.origin, vendors);
  try {
    const reply = await gate.fetch(machine.origin, { method: "POST", body: PROMPT });
    const ended = reply.text().then(
      () => "the reply ended by itself",
      (error: unknown) => `the reply is cut: ${refusalIn(error)}`,
    );
    await revoke();
    context.print(`   ${await ended}`);
    context.print(`   the client asks again: ${await ask(gate, machine)}`);
  } finally {
    await gate.close();
    await machine.stop();
  }
}

function* wordsForEver(): Generator<string> {
  for (;;) yield "and so on ";
}

function start(
  { context, machine }: Scene,
  vendors: Vendors,
  change: Partial<MachineOptions>,
  reply: Iterable<string>,
  port?: number,
): Promise<MadeUpMachine> {
  return startMadeUpMachine({
    now: context.now,
    machine: { vendors, ...machine, ...change },
    reply,
    ...(port !== undefined && { port }),
  });
}

function openGate({ log, policy, pin, context }: Scene, to: string, { intel, nvidia }: Vendors): Gate {
  return createGate({
    to,
    log,
    policy,
    pin,
    store: createMemoryStore(),
    statusMaxAge: STATUS_MAX_AGE_MS,
    now: context.now,
    fetch: context.fetch,
    roots: { intel: intel.root.der, nvidia: nvidia.root.der },
  });
}

async function ask(gate: Gate, { origin }: MadeUpMachine): Promise<string> {
  try {
    const reply = await gate.fetch(`${origin}/v1/chat/completions`, { method: "POST", body: PROMPT });
    return `“${await reply.text()}”`;
  } catch (error) {
    return `refused: ${refusalIn(error)}`;
  }
}

/** The reason in one line, without the digests. */
function refusalIn(error: unknown): string {
  const cause = error instanceof GateError ? error : error instanceof Error ? error.cause : undefined;
  if (!(cause instanceof GateError)) return error instanceof Error ? error.message : "failed";
  const reason = (cause.verdict && reasonOf(cause.verdict.checks)) ?? cause.message;
  return reason.replace(/([0-9a-f]{12})[0-9a-f]{20,}/g, "$1…");
}
