// The evidence endpoint: what it answers, whom it refuses and for how long, and what of a request is written down.
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { createEvidenceApp, EVIDENCE_PATH, type EvidenceService } from "../../../src/attester/http/app.ts";
import { ChannelKeys } from "../../../src/attester/http/channel-keys.ts";
import { AttestingError } from "../../../src/attester/machine/attesting-error.ts";
import type { Challenge } from "../../../src/attester/make-evidence.ts";
import { sha256 } from "../../../src/protocol/cryptography/hash.ts";
import { encodeHex } from "../../../src/protocol/encoding/hex.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";

const NONCE = "ab".repeat(32);
const TLS_KEY = utf8("the TLS key");
const LIMITS = { requestsPerMinute: 1000, trustedProxies: 1, waiting: 64 };
const made = (challenge: Challenge) => utf8(`evidence for ${encodeHex(challenge.nonce)}`);

function start(change: Partial<EvidenceService> = {}) {
  const lines: string[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(line) });
  const channels = new ChannelKeys(TLS_KEY);
  const app = createEvidenceApp({
    channels,
    makeEvidence: async (challenge) => made(challenge),
    logger,
    limits: LIMITS,
    ...change,
  });
  const get = (query: string, init: RequestInit = {}) => app.request(`${EVIDENCE_PATH}${query}`, init);
  return { app, get, channels, lines };
}

describe("evidence", () => {
  it("comes whole, with its length, and is kept by nobody", async () => {
    const asked: Challenge[] = [];
    const { get } = start({
      makeEvidence: async (challenge) => {
        asked.push(challenge);
        return made(challenge);
      },
    });
    const answer = await get(`?nonce=${NONCE}`);
    expect(answer.status).toBe(200);
    const body = await answer.text();
    expect(body).toBe(`evidence for ${NONCE}`);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "application/vnd.touchstone.evidence+json",
      "content-length": String(body.length),
      "cache-control": "no-store",
      "access-control-allow-origin": "*",
    });
    expect(asked.map(({ channelKey }) => channelKey)).toEqual([TLS_KEY]);
  });

  it.each([
    "",
    "?nonce=",
    "?nonce=ab",
    `?nonce=${NONCE.toUpperCase()}`,
    `?nonce=${NONCE}0`,
    `?nonce=${NONCE}&nonce=${NONCE}`,
    `?nonce=${NONCE}%0a`,
    `?nonce=${NONCE}&channel=quic`,
    `?nonce=${NONCE}&channel=hpke`,
    `?nonce=${NONCE}&channel=hpke&key=ab`,
    `?nonce=${NONCE}&channel=hpke&channel=hpke&key=${NONCE}`,
  ])("is not made for %j: 400", async (query) => {
    const answer = await start().get(query);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ status: 400 });
  });

  it("is made for an HPKE key as long as it is registered", async () => {
    const key = utf8("an HPKE key of 32 bytes");
    const asked: Challenge[] = [];
    const { get, channels } = start({
      makeEvidence: async (challenge) => {
        asked.push(challenge);
        return made(challenge);
      },
    });
    const query = `?nonce=${NONCE}&channel=hpke&key=${encodeHex(sha256(key))}`;
    expect((await get(query)).status).toBe(404);
    const forget = channels.registerHpke(key);
    expect((await get(query)).status).toBe(200);
    expect(asked.map(({ channelKey }) => channelKey)).toEqual([key]);
    forget();
    expect((await get(query)).status).toBe(404);
  });

  it("is not made for TLS where no TLS key is vouched for: 404", async () => {
    const answer = await start({ channels: new ChannelKeys(null) }).get(`?nonce=${NONCE}`);
    expect(answer.status).toBe(404);
  });
});

describe("who has to wait", () => {
  it("a client that asks too often is told when to come back, and no other client is", async () => {
    const { get } = start({ limits: { ...LIMITS, requestsPerMinute: 2 } });
    const from = (address: string) => get(`?nonce=${NONCE}`, { headers: { "x-forwarded-for": address } });
    const answers = [await from("192.0.2.1"), await from("192.0.2.1"), await from("192.0.2.1")];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(answers[2]?.headers.get("retry-after")).toBe("60");
    expect((await from("192.0.2.2")).status).toBe(200);
  });

  it("one after the other is made; behind 64 that wait everybody is told to come back", async () => {
    let underWay = 0;
    let most = 0;
    const release: Array<() => void> = [];
    const { get } = start({
      makeEvidence: async (challenge) => {
        most = Math.max(most, ++underWay);
        await new Promise<void>((resolve) => release.push(resolve));
        underWay--;
        return made(challenge);
      },
    });
    const answers = Array.from({ length: 66 }, () => get(`?nonce=${NONCE}`));
    const refused = await Promise.race(answers);
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    const done = Promise.all(answers).then((all) => all.map(({ status }) => status));
    for (let made = 0; made < 65; ) {
      await new Promise((resolve) => setImmediate(resolve));
      for (const next of release.splice(0)) {
        next();
        made++;
      }
    }
    expect((await done).filter((status) => status === 200)).toHaveLength(65);
    expect(most).toBe(1);
  });

  it("who leaves while waiting costs nothing", async () => {
    const asked: string[] = [];
    const release: Array<() => void> = [];
    const { get } = start({
      makeEvidence: async ({ nonce }) => {
        asked.push(encodeHex(nonce).slice(0, 2));
        await new Promise<void>((resolve) => release.push(resolve));
        return utf8("evidence");
      },
    });
    const leaving = new AbortController();
    const first = get(`?nonce=${"01".repeat(32)}`);
    const second = get(`?nonce=${"02".repeat(32)}`, { signal: leaving.signal });
    const third = get(`?nonce=${"03".repeat(32)}`);
    await new Promise((resolve) => setImmediate(resolve));
    leaving.abort();
    release.shift()?.();
    await Promise.all([first, second]);
    await new Promise((resolve) => setImmediate(resolve));
    release.shift()?.();
    expect((await third).status).toBe(200);
    expect(asked).toEqual(["01", "03"]);
  });

  it("a machine that fails is asked again later, and its words stay in its own log", async () => {
    const { get, lines } = start({
      makeEvidence: () => Promise.reject(new AttestingError("no quote from configfs-tsm: EIO /sys/kernel")),
    });
    const answer = await get(`?nonce=${NONCE}`);
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).toBe("5");
    expect(await answer.text()).not.toContain("/sys");
    expect(lines.join("")).toContain("EIO /sys/kernel");
  });
});

describe("everything else", () => {
  it("is not there, or not to be had in this way", async () => {
    const { app } = start();
    expect((await app.request("/")).status).toBe(404);
    const posted = await app.request(EVIDENCE_PATH, { method: "POST" });
    expect(posted.status).toBe(405);
    expect(posted.headers.get("allow")).toContain("GET");
  });

  it("a page of any origin may ask", async () => {
    const answer = await start().app.request(EVIDENCE_PATH, { method: "OPTIONS" });
    expect(answer.status).toBe(204);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "access-control-allow-origin": "*",
      "access-control-allow-headers": "content-type",
      "access-control-max-age": "86400",
    });
  });

  it("nothing of a query is written down", async () => {
    const { get, lines } = start();
    await get(`?nonce=${NONCE}`);
    await get(`?nonce=${"x".repeat(9)}`);
    expect(lines).toHaveLength(2);
    expect(lines.join("")).toContain(EVIDENCE_PATH);
    expect(lines.join("")).not.toContain("nonce");
  });
});
