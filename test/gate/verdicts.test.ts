// A verdict ends: with what it rests on, with its age, and at once with a revocation. What was sent before is not called back, and nothing
// is sent afterwards.
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { formatTime } from "../../src/protocol/entry/fields.ts";
import type { Verdict } from "../../src/verifier/appraisal/verdict.ts";
import { createMemoryStore } from "../../src/verifier/bundle/state-store.ts";
import { machineOf, makeWorld, type World } from "../support/appraisal-world.ts";
import { NOW } from "../support/clock.ts";
import { statusPredicate } from "../support/document-predicates.ts";
import { signStatement } from "../support/signing.ts";
import { bundleBytes } from "../support/small-log.ts";
import { bundleAnswer, GateWorld, outcome, prompt, refusal, until } from "./gate-world.ts";
import { answerEvidence, answerOk, type GuestOptions } from "./made-up-guest.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
let world: World;
let log: GateWorld;
beforeAll(async () => {
  world = await GateWorld.make();
});
beforeEach(() => {
  log = new GateWorld(world);
});
afterEach(() => log.end());

/** A machine that begins its reply and ends it when the test says so. */
function streaming() {
  const stream = { begun: false, end: () => {} };
  const options: GuestOptions = {
    answer(socket) {
      socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 10\r\n\r\nfirst");
      stream.begun = true;
      stream.end = () => socket.write("after");
    },
  };
  return { stream, options };
}

/** undici uses a connection again one turn after its last reply. */
const idle = () => new Promise((resolve) => setTimeout(resolve, 20));

describe("a verdict that ended", () => {
  test("by its age is made anew over a new connection, though the old one is open", async () => {
    const { guest, gate } = await log.start({}, { maxVerdictAge: MINUTE });
    for (let i = 0; i < 3; i++) {
      expect(await outcome(prompt(gate, guest))).toBe("hello");
      await idle();
    }
    expect(guest).toMatchObject({ questions: 1, connections: 1 });
    log.later(MINUTE);
    expect(gate.verdict()).toBeNull();
    expect(await outcome(prompt(gate, guest))).toBe("hello");
    expect(guest).toMatchObject({ questions: 2, connections: 2 });
  });

  test("by its age, over a machine that is another one by now: nothing is sent", async () => {
    const { guest, gate } = await log.start({}, { maxVerdictAge: MINUTE });
    expect(await outcome(prompt(gate, guest))).toBe("hello");
    const { received } = guest;
    guest.options = { machine: (nonce, channel) => machineOf({ nonce, channel, claims: { ccMode: "off" } }) };
    expect(await outcome(prompt(gate, guest))).toBe("hello");
    log.later(MINUTE);
    expect(await outcome(prompt(gate, guest))).toBe("gpu.cc-mode");
    expect(guest.received).toBe(received + received);
  });

  test("with its OCSP answers, long before its age", async () => {
    const options: GuestOptions = {
      machine: (nonce, channel) =>
        machineOf({ nonce, channel, gpus: [{ ocsp: { nextUpdate: new Date(NOW.getTime() + MINUTE) } }] }),
    };
    const { guest, gate } = await log.start(options, { maxVerdictAge: 20 * HOUR });
    expect(await outcome(prompt(gate, guest))).toBe("hello");
    expect(gate.verdict()?.until).toBe(new Date(NOW.getTime() + MINUTE).toISOString());
    log.later(MINUTE + 1);
    expect(await outcome(prompt(gate, guest))).toBe("gpu.revocation");
    expect(guest.received.match(/POST/g)).toHaveLength(1);
  });

  test("while a reply streams: the reply comes whole, and the next request needs a new one", async () => {
    const { stream, options } = streaming();
    const { guest, gate } = await log.start(options);
    const reply = await prompt(gate, guest);
    log.later(20 * MINUTE);
    stream.end();
    expect(await reply.text()).toBe("firstafter");
    guest.options = { answer: answerOk };
    expect(await outcome(prompt(gate, guest))).toBe("hello");
    expect(guest).toMatchObject({ questions: 2, connections: 2 });
  });

  test("while the laptop slept, by the clock on the wall", async () => {
    const { guest, gate } = await log.start();
    expect(await outcome(prompt(gate, guest))).toBe("hello");
    log.later(8 * HOUR);
    expect(await outcome(prompt(gate, guest))).toBe("hello");
    expect(guest.questions).toBe(2);
  });

  test("before it began: whose clock was put back by a day is not served", async () => {
    const { guest, gate } = await log.start();
    expect(await outcome(prompt(gate, guest))).toBe("hello");
    log.later(-24 * HOUR);
    expect(await outcome(prompt(gate, guest))).toBe("bundle.time");
    expect(guest.received.match(/POST/g)).toHaveLength(1);
  });
});

describe("the log", () => {
  test("is asked once, and again when what it said is a minute old", async () => {
    const { guest, gate } = await log.start();
    await Promise.all(Array.from({ length: 5 }, () => outcome(prompt(gate, guest))));
    expect(log.asked).toBe(1);
    log.later(MINUTE);
    expect(await outcome(prompt(gate, guest))).toBe("hello");
    expect(log.asked).toBe(2);
    expect(guest.questions).toBe(1);
  });

  test("that cannot be reached any more is not needed until something ends", async () => {
    const { guest, gate } = await log.start({}, { maxVerdictAge: 48 * HOUR });
    expect(await outcome(prompt(gate, guest))).toBe("hello");
    log.loseLog();
    log.later(5 * HOUR);
    expect(await outcome(prompt(gate, guest))).toBe("hello");
    log.answer = async () => new Response("<html>Log in to the hotel's network</html>");
    log.later(5 * HOUR);
    expect(await outcome(prompt(gate, guest))).toBe("hello");
    log.later(24 * HOUR);
    expect(await outcome(prompt(gate, guest))).toMatch(/^(?:bundle\.|tdx\.|gpu\.)/);
    expect(guest.received.match(/POST/g)).toHaveLength(3);
  });

  test("that was never reached lets nothing pass, and nobody is asked for evidence", async () => {
    log.loseLog();
    const { guest, gate } = await log.start();
    const error = await refusal(prompt(gate, guest));
    expect(error).toMatchObject({ code: "unreachable", message: expect.stringMatching(/ECONNREFUSED/) });
    expect(guest).toMatchObject({ connections: 0, received: "" });
  });

  test("that answers something else, or a policy that was not asked for, lets nothing pass", async () => {
    const { guest, gate } = await log.start({}, { policy: "another" });
    expect((await refusal(prompt(gate, guest))).code).toBe("bundle");
    log.answer = async () => new Response("{}");
    expect((await refusal(prompt(await log.gate(guest), guest))).code).toBe("bundle");
    expect(guest).toMatchObject({ connections: 0, received: "" });
  });

  test("with a policy that has expired, or one that is older than what is remembered", async () => {
    log.later(365 * 24 * HOUR);
    const { guest, gate } = await log.start();
    expect(await refusal(prompt(gate, guest))).toMatchObject({
      code: "bundle",
      message: expect.stringMatching(/expire|stale|old/),
    });
    log.now = NOW;
    const store = createMemoryStore();
    const { state } = world.verified;
    await store.save({ ...state, statusSequence: state.statusSequence + 1 }, null);
    const remembering = await log.gate(guest, { store });
    expect(await refusal(prompt(remembering, guest))).toMatchObject({
      code: "bundle",
      message: expect.stringMatching(/older than/),
    });
    expect(guest).toMatchObject({ connections: 0, received: "" });
  });

  test("is asked at most once in five seconds while it refuses", async () => {
    log.revoke();
    const { guest, gate } = await log.start();
    for (let i = 0; i < 5; i++) expect(await outcome(prompt(gate, guest))).toBe("bundle");
    expect(log.asked).toBe(1);
  });
});

describe("a new policy", () => {
  let growing: World;
  beforeEach(async () => {
    growing = await makeWorld(await machineOf());
    log = new GateWorld(growing);
  });

  /** Publishes the next version with these profiles of the one before. */
  async function publish(profiles: readonly string[], expires?: Date): Promise<void> {
    const { log: small, keys, verified } = growing;
    const { policy } = verified;
    const next = {
      ...policy,
      version: policy.version + 1,
      previous: verified.status.policies[0]!.digest,
      profiles: policy.profiles.filter(({ id }) => profiles.includes(id)),
      ...(expires && { expires: formatTime(expires) }),
    };
    await small.add(await signStatement("policy", next, [keys.policy]));
    await small.add(await signStatement("status", statusPredicate(small.inForce, {}, NOW), [keys.status]));
    const size = growing.verified.checkpoint.size;
    const bundle = bundleBytes(await small.bundle("production", {}, size));
    log.answer = async () => bundleAnswer(bundle);
  }

  test("that still trusts the machine needs no new evidence, and cuts nothing", async () => {
    const verdicts: Verdict[] = [];
    const { stream, options } = streaming();
    const { guest, gate } = await log.start(options, { onVerdict: (verdict) => verdicts.push(verdict) });
    const reply = await prompt(gate, guest);
    await publish(["first"]);
    log.later(MINUTE);
    guest.options = {};
    expect(await outcome(prompt(gate, guest))).toBe("hello");
    expect(guest.questions).toBe(1);
    expect(verdicts.map(({ policy }) => policy?.version)).toEqual([1, 2]);
    stream.end();
    expect(await reply.text()).toBe("firstafter");
  });

  test("that ends sooner ends the connections that are open, too", async () => {
    const { guest, gate } = await log.start();
    expect(await outcome(prompt(gate, guest))).toBe("hello");
    await idle();
    await publish(["first"], new Date(NOW.getTime() + 2 * MINUTE));
    log.later(MINUTE);
    expect(await outcome(prompt(gate, guest))).toBe("hello");
    expect(gate.verdict()?.until).toBe(new Date(NOW.getTime() + 2 * MINUTE).toISOString());
    await idle();
    log.later(MINUTE);
    expect(await outcome(prompt(gate, guest))).toBe("bundle.policy");
    expect(guest.received.match(/POST/g)).toHaveLength(2);
  });

  test("that comes while evidence is on its way is the one that counts", async () => {
    const { guest, gate } = await log.start({
      async evidence(socket, evidence) {
        await publish(["second"]);
        log.later(MINUTE);
        await answerEvidence(socket, evidence);
      },
    });
    expect(await outcome(prompt(gate, guest))).toMatch(/^tuple\./);
    expect(guest.received).toBe("");
  });

  test("that no longer trusts it cuts the reply that is under way, and lets nothing more pass", async () => {
    const { options } = streaming();
    const { guest, gate } = await log.start(options);
    const reply = await prompt(gate, guest);
    await publish(["second"]);
    log.later(MINUTE);
    expect(await outcome(prompt(gate, guest))).toMatch(/^tuple\./);
    const error = await reply.text().catch((reason: Error) => reason);
    expect(error).toMatchObject({ cause: { code: "revoked", sent: true, verdict: { verdict: "rejected" } } });
    expect(guest.received.match(/POST/g)).toHaveLength(1);
  });
});

describe("a revocation", () => {
  /** The time goes on: what happens by itself happens soon. */
  const running = () => {
    const begun = Date.now();
    return { statusMaxAge: 100, now: () => new Date(NOW.getTime() + Date.now() - begun) };
  };

  test("cuts a reply that is under way, without any other request", async () => {
    const { stream, options } = streaming();
    const { guest, gate } = await log.start(options, running());
    const reply = await prompt(gate, guest);
    await until(() => stream.begun);
    log.revoke();
    const error = await reply.text().catch((reason: Error) => reason);
    expect(error).toMatchObject({ cause: { code: "revoked", message: expect.stringMatching(/is revoked/) } });
    expect(gate.verdict()).toBeNull();
    expect((await refusal(prompt(gate, guest))).code).toBe("bundle");
    expect(guest.received.match(/POST/g)).toHaveLength(1);
  });

  test("that the log takes too long to tell, or never, cuts nothing", async () => {
    const { stream, options } = streaming();
    const { guest, gate } = await log.start(options, { ...running(), timeout: 5000 });
    const reply = await prompt(gate, guest);
    log.answer = () => new Promise(() => undefined);
    const { asked } = log;
    await until(() => log.asked > asked);
    log.answer = async () => new Response("busy", { status: 429 });
    await new Promise((resolve) => setTimeout(resolve, 250));
    stream.end();
    expect(await reply.text()).toBe("firstafter");
  });
});
