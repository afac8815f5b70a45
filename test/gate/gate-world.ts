// A log, machines and gates under made-up vendors, for tests: the log answers what a test says, without a network, and the clock stands still.
import { createGate, type Gate, GateError, type GateOptions } from "../../src/gate/index.ts";
import { createMemoryStore } from "../../src/verifier/bundle/state-store.ts";
import { machineOf, makeWorld, vendors, type World } from "../support/appraisal-world.ts";
import { NOW } from "../support/clock.ts";
import { type GuestOptions, MadeUpGuest } from "./made-up-guest.ts";

export class GateWorld {
  readonly world: World;
  /** What the log answers. */
  answer: () => Promise<Response>;
  /** How often it was asked. */
  asked = 0;
  now = NOW;
  readonly #guests: MadeUpGuest[] = [];
  readonly #gates: Gate[] = [];

  constructor(world: World) {
    this.world = world;
    this.answer = async () => bundleAnswer(world.bundle);
  }

  static async make(): Promise<World> {
    return makeWorld(await machineOf());
  }

  async guest(options: GuestOptions = {}, port = 0): Promise<MadeUpGuest> {
    const guest = await MadeUpGuest.start(options, port);
    this.#guests.push(guest);
    return guest;
  }

  async gate(guest: Pick<MadeUpGuest, "origin">, change: Partial<GateOptions> = {}): Promise<Gate> {
    const { intel, nvidia } = await vendors();
    const gate = createGate({
      to: guest.origin,
      log: "https://log.example",
      policy: "production",
      pin: this.world.pin,
      store: createMemoryStore(),
      now: () => this.now,
      roots: { intel: intel.root.der, nvidia: nvidia.root.der },
      fetch: () => {
        this.asked++;
        return this.answer();
      },
      ...change,
    });
    this.#gates.push(gate);
    return gate;
  }

  async start(options: GuestOptions = {}, change: Partial<GateOptions> = {}) {
    const guest = await this.guest(options);
    return { guest, gate: await this.gate(guest, change) };
  }

  async end(): Promise<void> {
    for (const gate of this.#gates) await gate.dispatcher.destroy();
    for (const guest of this.#guests) await guest.stop();
  }

  later(ms: number): void {
    this.now = new Date(this.now.getTime() + ms);
  }

  /** From now on the log says that nothing of this policy is acceptable, as after a revocation. */
  revoke(): void {
    const body = JSON.stringify({ code: "bundle-not-acceptable", detail: "os-image/example is revoked" });
    this.answer = async () => new Response(body, { status: 503 });
  }

  loseLog(): void {
    this.answer = () => Promise.reject(new TypeError("fetch failed", { cause: new Error("ECONNREFUSED") }));
  }
}

export function bundleAnswer(bundle: Uint8Array): Response {
  return new Response(bundle as BodyInit);
}

/** A request as a chat client sends it. */
export function prompt(gate: Gate, guest: Pick<MadeUpGuest, "origin">, init: RequestInit = {}) {
  return gate.fetch(`${guest.origin}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: "Bearer secret" },
    body: "the prompt",
    ...init,
  });
}

/** The text of the answer, or how the gate refuses. */
export async function outcome(asked: Promise<Response>): Promise<string> {
  try {
    return await (await asked).text();
  } catch (error) {
    if (error instanceof GateError) return error.code;
    throw error;
  }
}

export async function refusal(asked: Promise<unknown>): Promise<GateError> {
  const error = await asked.then(
    () => new Error("it was not refused"),
    (reason: unknown) => reason,
  );
  if (error instanceof GateError) return error;
  throw error;
}

/** Waits for something that happens elsewhere. */
export async function until(happened: () => boolean): Promise<void> {
  while (!happened()) await new Promise((resolve) => setTimeout(resolve, 5));
}
