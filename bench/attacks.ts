// What an honest publisher feels while somebody without a key tries to stop the service: the same load with and without each attack.
// That the attacks cannot do more is shown by tests, which count; here are the times.
import { connect } from "node:net";
import { interleave, type Measurement, ratios, spreadOf } from "./harness.ts";
import { type Load, LoadGenerator } from "./load.ts";
import { serveLog } from "./servers.ts";
import type { World } from "./world.ts";

const CLIENTS = 8;
const ENTRIES = 400;
const ATTACKERS = 16;
const MIB = 1024 * 1024;

/** Begins an attack. @returns what ends it. */
type Attack = (url: URL) => () => void;

const ATTACKS: Readonly<Record<string, Attack>> = {
  none: () => () => undefined,
  "GET /": asking(() => "/"),
  "pages of entries": asking((i) => `/entries/${i % 9000}`),
  "pages of the policy, the log and searches": asking(
    (i) => ["/policies/production", "/log", `/search?q=nobody@${i}`, "/feeds/releases.atom"][i % 4] ?? "/log",
  ),
  "entry bundles": asking((i) => `/tile/entries/${String(i % 39).padStart(3, "0")}`),
  "searches that find nothing": asking((i) => `/v1/entries?kind=platform&version=${i}&name=nobody`),
  "1,500 pipelined requests, unread": sending((socketWrite) =>
    socketWrite("GET /tile/0/000 HTTP/1.1\r\nHost: log\r\n\r\n".repeat(1500)),
  ),
  "bodies of 47 MiB without a signature": sending((socketWrite) => {
    socketWrite(`${headOf(47 * MIB)}{"attachment":"`);
    socketWrite("AAAA".repeat(MIB / 4));
  }),
  "batches of 1,000 lines with bad signatures": sending((socketWrite) => {
    const sig = Buffer.alloc(64).toString("base64");
    const signatures = Array.from({ length: 5 }, (_, i) => ({ keyid: String(i).repeat(64), sig }));
    const line = `${JSON.stringify({ payload: "e30=", payloadType: "application/vnd.in-toto+json", signatures })}\n`;
    socketWrite(headOf(1000 * line.length) + line.repeat(1000));
  }),
};

export async function measureAttacks(world: World): Promise<Measurement[]> {
  const folder = await world.smallLog();
  const service = await serveLog(folder);
  const load = new LoadGenerator();
  const amount = world.amount(ENTRIES);
  let from = 0;
  const under = (attack: Attack) => async (): Promise<Load> => {
    const end = attack(new URL(service.url));
    from += amount;
    const entries = { folder, label: "attacks", from };
    const headers = { "content-type": "application/json" };
    try {
      return await load.run(service, { connections: CLIENTS, amount, headers, entries }, 201);
    } finally {
      end();
    }
  };
  const subjects = Object.fromEntries(Object.entries(ATTACKS).map(([what, attack]) => [what, under(attack)]));
  const samples = await interleave(Math.min(world.rounds, 5), subjects);
  load.close();
  await service.stop();
  const quiet = (samples.none ?? []).map(({ p99 }) => p99);
  return Object.entries(samples).map(([what, loads]) => describe(what, loads, quiet));
}

function describe(what: string, loads: readonly Load[], quiet: readonly number[]): Measurement {
  const p99 = loads.map((one) => one.p99);
  return {
    row: "attacks",
    what: `p99 of an honest publisher, ${CLIENTS} connections; attack: ${what}`,
    unit: "ms",
    floor: what === "none" ? null : spreadOf(quiet),
    figure: spreadOf(p99),
    ratio: what === "none" ? null : ratios(quiet, p99),
    target: "",
    reached: null,
    note: what === "none" ? "" : "floor: the same publisher without an attack",
  };
}

/** Clients that ask for one path after the other, as fast as they are answered. */
function asking(path: (i: number) => string): Attack {
  return (url) => {
    let isOver = false;
    let i = 0;
    const ask = async () => {
      while (!isOver)
        await fetch(new URL(path(i++), url)).then(
          (answer) => answer.arrayBuffer(),
          () => null,
        );
    };
    for (let client = 0; client < ATTACKERS; client++) void ask();
    return () => {
      isOver = true;
    };
  };
}

/** Clients that send something, read no answer, and begin again when they are cut off or after a second. */
function sending(send: (write: (text: string) => void) => void): Attack {
  return (url) => {
    let isOver = false;
    const open = new Set<ReturnType<typeof connect>>();
    const begin = () => {
      if (isOver) return;
      const socket = connect(Number(url.port), url.hostname);
      open.add(socket);
      socket.pause();
      socket.setTimeout(1000, () => socket.destroy());
      socket.on("error", () => undefined);
      socket.once("connect", () => send((text) => void socket.write(text)));
      socket.once("close", () => {
        open.delete(socket);
        setTimeout(begin, 10);
      });
    };
    for (let client = 0; client < ATTACKERS; client++) begin();
    return () => {
      isOver = true;
      for (const socket of open) socket.destroy();
    };
  };
}

function headOf(length: number): string {
  return `POST /v1/entries/batch HTTP/1.1\r\nHost: log\r\nContent-Type: application/x-ndjson\r\nContent-Length: ${length}\r\n\r\n`;
}
