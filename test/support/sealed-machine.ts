// A made-up machine with a gateway in front of a made-up service, and a log whose policy fits it, behind one scripted network: what tests of
// sealed requests talk to. Everything that reaches the machine is counted.

import type { Upstream } from "../../src/attester/gateway/forward.ts";
import { Gateway, type GatewayOptions } from "../../src/attester/gateway/gateway.ts";
import { RotatingKeys } from "../../src/attester/gateway/rotating-keys.ts";
import { sha256 } from "../../src/protocol/cryptography/hash.ts";
import { decodeHex, encodeHex } from "../../src/protocol/encoding/hex.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import type { BinaryRequest } from "../../src/sealed/binary-http/request.ts";
import { encodeEvidence, type Machine, type MachineOptions } from "../../src/testing/index.ts";
import { machineOf, makeWorld, type World } from "./appraisal-world.ts";
import { NOW } from "./clock.ts";
import { revocationPredicate, statusPredicate } from "./document-predicates.ts";
import { signStatement } from "./signing.ts";
import { bundleBytes } from "./small-log.ts";

export const MACHINE = "https://llm.example";
export const LOG = "https://log.example";

export type Answering = (request: BinaryRequest, signal: AbortSignal) => Promise<Upstream>;

/** A reply in pieces, as a model streams it. */
export function streaming(...texts: string[]): Upstream {
  async function* content() {
    for (const text of texts) yield utf8(text);
  }
  return { status: 200, fields: [["content-type", "text/event-stream"]], content: content() };
}

export class SealedMachine {
  now = NOW;
  clock = () => this.now;
  /** What reached the service. */
  readonly served: BinaryRequest[] = [];
  /** Every request on the network, as "POST /path". */
  readonly asked: string[] = [];
  /** What a test puts between: it may answer in place of the network, or change what that answers. */
  between: (request: Request, forward: () => Promise<Response>) => Promise<Response> = (_, forward) =>
    forward();
  answering: Answering = async () => streaming("data: one\n\n", "data: two\n\n");
  /** How the machine differs from the good one. */
  shown: Partial<MachineOptions> = {};
  /** What the log answers. */
  bundle: Uint8Array;
  /** Whether it has none any more, and says so as the log's own service does. */
  bundleRefused = false;
  keys!: RotatingKeys;
  gateway!: Gateway;
  readonly world: World;
  readonly good: Machine;

  /** Public keys by their SHA-256. */
  readonly #vouchedFor = new Map<string, Uint8Array>();

  private constructor(world: World, good: Machine) {
    this.world = world;
    this.good = good;
    this.bundle = world.bundle;
  }

  /** @param at the time that log and machine are made at. */
  static async start(at: Date = NOW): Promise<SealedMachine> {
    const good = await machineOf({ at });
    const world = await makeWorld(good, { binding: { channel: "hpke" } }, at);
    const machine = new SealedMachine(world, good);
    machine.now = at;
    machine.shown = { at };
    await machine.restart();
    return machine;
  }

  /** Starts it again, with other keys. */
  async restart(change: Partial<GatewayOptions> = {}): Promise<void> {
    this.#vouchedFor.clear();
    this.keys = await RotatingKeys.make(
      () => this.clock(),
      (key) => {
        this.#vouchedFor.set(encodeHex(sha256(key)), key);
        return () => undefined;
      },
    );
    this.gateway = new Gateway({
      keys: this.keys,
      now: () => this.clock(),
      authorities: ["llm.example"],
      forward: (request, signal) => {
        this.served.push(request);
        return this.answering(request, signal);
      },
      ...change,
    });
  }

  readonly fetch: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    return new URL(request.url).origin === LOG ? this.askLog(request) : this.ask(request);
  };

  /** Revokes the image that the machine runs: the log's next bundle is not acceptable. */
  async revokeImage(): Promise<void> {
    const { log, keys, verified } = this.world;
    const revocation = revocationPredicate({
      name: "bad-image",
      digests: [verified.policy.profiles[0]?.osImage.digest ?? ""],
    });
    await log.add(await signStatement("revocation", revocation, [keys.revocation]));
    const at = new Date(this.now.getTime() + 1000);
    const status = statusPredicate(log.inForce, { sequence: verified.status.sequence + 1 }, at);
    await log.add(await signStatement("status", status, [keys.status]));
    const checkpoint = await log.checkpoint(undefined, at);
    const bundle = bundleBytes(await log.bundle("production", { checkpoint }, verified.checkpoint.size));
    // At once: who looked in between would have a young policy for as long as the clock stands.
    this.now = at;
    this.bundle = bundle;
  }

  /** A request to the log. */
  askLog(request: Request): Promise<Response> {
    return this.#pass(request, async () => {
      const headers = { "content-type": "application/json" };
      if (!this.bundleRefused) return new Response(this.bundle.slice(), { headers });
      const problem = { code: "bundle-not-acceptable", detail: "os-image example/inference is revoked" };
      return Response.json(problem, {
        status: 503,
        headers: { "content-type": "application/problem+json" },
      });
    });
  }

  /** A request to the machine. */
  ask(request: Request): Promise<Response> {
    return this.#pass(request, () => this.#answer(request));
  }

  #pass(request: Request, answer: () => Promise<Response>): Promise<Response> {
    this.asked.push(`${request.method} ${new URL(request.url).pathname}`);
    return this.between(request, answer);
  }

  /** How often a path was asked for. */
  count(asked: string): number {
    return this.asked.filter((one) => one === asked).length;
  }

  async evidence(nonce: Uint8Array, publicKey: Uint8Array): Promise<Uint8Array> {
    const channel = { ...this.good.channel, spki: publicKey };
    const { evidence } = await machineOf({ nonce, channel, ...this.shown });
    return encodeEvidence(evidence);
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/.well-known/ohttp-gateway") return this.gateway.fetch(request);
    const key = this.#vouchedFor.get(searchParams.get("key") ?? "");
    if (pathname !== "/.well-known/touchstone/evidence" || key === undefined)
      return new Response("not here", { status: 404 });
    const evidence = await this.evidence(decodeHex(searchParams.get("nonce") ?? ""), key);
    return new Response(evidence.slice(), { headers: { "content-type": "application/json" } });
  }
}
