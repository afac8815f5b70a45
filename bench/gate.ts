// What the gate costs: a request through its proxy beside one through a proxy that asks nothing, the first request, and 256 streams at once.
import { mkdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { createGate, type GateOptions } from "../src/gate/index.ts";
import { encodeEvidence, makeMachine } from "../src/testing/index.ts";
import { appraiseEvidence } from "../src/verifier/appraisal/appraise.ts";
import { fetchPolicy } from "../src/verifier/bundle/fetch-policy.ts";
import { createMemoryStore } from "../src/verifier/bundle/state-store.ts";
import { parseTrustFile } from "../src/verifier/bundle/trust-pin.ts";
import { POLICY } from "./example-log.ts";
import { interleave, type Measurement, ratios, spreadOf, timed } from "./harness.ts";
import { LoadGenerator } from "./load.ts";
import { residentMegabytes, type Served, serveGate, serveLog, startServerProcess } from "./servers.ts";
import type { World } from "./world.ts";

const ONE_BY_ONE = 1_500;
const AT_ONCE = { connections: 16, amount: 10_000 };
const STREAMS = 256;
/** So long they stream before the process is looked at, milliseconds. */
const STREAMING_MS = 2_000;

export async function measureGate(world: World): Promise<Measurement[]> {
  const folder = await world.newLog("gate");
  const log = await serveLog(folder);
  const roots = join(folder, "machine");
  mkdirSync(roots);
  const machine = await startServerProcess(new URL("./servers/made-up-machine.js", import.meta.url), roots);
  const plain = await startServerProcess(new URL("./servers/plain-proxy.js", import.meta.url), machine.url);
  const gate = await serveGate(folder, [
    ...["--to", machine.url, "--log", log.url, "--policy", POLICY],
    ...["--trust", join(folder, "trust-root.json")],
    ...["--intel-root", join(roots, "intel.der"), "--nvidia-root", join(roots, "nvidia.der")],
  ]);
  const load = new LoadGenerator();
  try {
    return [
      ...(await measureRequests(world, load, plain, gate)),
      await measureFirst(world, { folder, roots, log, machine }),
      await measureStreams(gate),
    ];
  } finally {
    load.close();
    for (const server of [gate, plain, machine, log]) await server.stop();
  }
}

async function measureRequests(
  world: World,
  load: LoadGenerator,
  plain: Served,
  gate: Served,
): Promise<Measurement[]> {
  const ask = (server: Served, connections: number, amount: number) => () =>
    load.run(server, { connections, amount, headers: {}, paths: ["/v1/models"] }, 200);
  const one = await interleave(world.rounds, {
    plain: ask(plain, 1, ONE_BY_ONE),
    gate: ask(gate, 1, ONE_BY_ONE),
  });
  const many = await interleave(world.rounds, {
    plain: ask(plain, AT_ONCE.connections, AT_ONCE.amount),
    gate: ask(gate, AT_ONCE.connections, AT_ONCE.amount),
  });
  const [plainMs, gateMs] = [one.plain, one.gate].map((loads) => loads.map(({ p50 }) => p50));
  const [plainRate, gateRate] = [many.plain, many.gate].map((loads) =>
    loads.map(({ perCpuSecond }) => perCpuSecond),
  );
  const times = ratios(gateMs ?? [], plainMs ?? []);
  const appraisals = await appraisalsOf(gate);
  const common = {
    row: "gate",
    target: "",
    reached: null,
    note: "floor: a proxy of undici that asks nothing",
  };
  return [
    {
      ...common,
      what: "request through the proxy, one after the other, median",
      unit: "ms",
      floor: spreadOf(plainMs ?? []),
      figure: spreadOf(gateMs ?? []),
      ratio: ratios(plainMs ?? [], gateMs ?? []),
      target: "≤ 1.35 × the floor",
      reached: times.median <= 1.35,
      note: `${common.note}; ${times.median.toFixed(2)} × its time`,
    },
    {
      ...common,
      what: `requests through the proxy, ${AT_ONCE.connections} at once`,
      unit: "requests per second of server CPU",
      floor: spreadOf(plainRate ?? []),
      figure: spreadOf(gateRate ?? []),
      ratio: ratios(gateRate ?? [], plainRate ?? []),
    },
    {
      ...common,
      what: `appraisals for ${AT_ONCE.amount.toLocaleString("en")} requests over ${AT_ONCE.connections} connections, and all that came before`,
      unit: "",
      floor: null,
      figure: spreadOf([appraisals]),
      ratio: null,
      target: "1 in 10 minutes",
      reached: appraisals <= 1 + Math.floor(process.uptime() / 600),
      note: "counted by the proxy",
    },
  ];
}

async function appraisalsOf({ url }: Served): Promise<number> {
  const metrics = await (await fetch(`${url}/.well-known/touchstone/metrics`)).text();
  return Number(/appraisals_total\{verdict="trusted"\} ([0-9]+)/.exec(metrics)?.[1]);
}

interface Place {
  readonly folder: string;
  readonly roots: string;
  readonly log: Served;
  readonly machine: Served;
}

/** A gate that has seen nothing: policy, connection, evidence, appraisal, request. The unit is an appraisal alone, of the same kind of machine. */
async function measureFirst(world: World, { folder, roots, log, machine }: Place): Promise<Measurement> {
  const pin = parseTrustFile(readFileSync(join(folder, "trust-root.json")));
  const root = (name: string) => new Uint8Array(readFileSync(join(roots, name)));
  const options = (): GateOptions => ({
    ...{ to: machine.url, log: log.url, policy: POLICY, pin, store: createMemoryStore() },
    roots: { intel: root("intel.der"), nvidia: root("nvidia.der") },
  });
  const shown = await makeMachine({ at: new Date(), tdx: { quote: { form: "v5-tdx1.5" } } });
  const { found, evidence } = {
    found: await fetchPolicy({
      ...{ url: log.url, name: POLICY, pin, store: createMemoryStore(), now: new Date(), fetch },
    }),
    evidence: encodeEvidence(shown.evidence),
  };
  const { appraisal, first } = await interleave(world.rounds, {
    appraisal: () =>
      timed(() =>
        appraiseEvidence(found, evidence, {
          now: new Date(),
          nonce: shown.nonce,
          channel: { type: "tls-spki", key: shown.channel.spki },
          roots: shown.roots,
        }),
      ),
    first: async () => {
      const gate = createGate(options());
      const ms = await timed(async () => (await gate.fetch(`${machine.url}/v1/models`)).arrayBuffer());
      await gate.close();
      return ms;
    },
  });
  return {
    row: "gate",
    what: "first request of a gate that has seen nothing",
    unit: "ms",
    floor: spreadOf(appraisal),
    figure: spreadOf(first),
    ratio: ratios(appraisal, first),
    target: "",
    reached: null,
    note: `floor: an appraisal alone; ${ratios(first, appraisal).median.toFixed(1)} appraisals, with fetching the policy and making the evidence`,
  };
}

async function measureStreams(gate: Served): Promise<Measurement> {
  const idle = residentMegabytes(gate);
  const asked = Array.from({ length: STREAMS }, () => openStream(`${gate.url}/stream`));
  const streams = await Promise.all(asked);
  await new Promise((resolve) => setTimeout(resolve, STREAMING_MS));
  const streaming = residentMegabytes(gate);
  for (const close of streams) close();
  return {
    row: "gate",
    what: `resident memory of the proxy with ${STREAMS} streams`,
    unit: "MB",
    floor: spreadOf([idle]),
    figure: spreadOf([streaming]),
    ratio: spreadOf([idle / streaming]),
    target: "≤ 250 MB",
    reached: streaming <= 250,
    note: `floor: before them, after the requests above; ${((streaming - idle) * (1000 / STREAMS)).toFixed(0)} KB a stream, each over a TLS connection of its own`,
  };
}

/** @returns what ends it; resolves once its first token is there. */
function openStream(url: string): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent: false }, (answer) => {
      answer.on("error", () => undefined);
      answer.once("data", () => resolve(() => asked.destroy()));
      answer.resume();
    });
    asked.on("error", reject).end();
  });
}
