// One process serves several logs, each in its own SQLite file: every command finds each by its URL, a log that cannot be started takes no
// other with it, and a stop loses nothing of any of them.
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { EXIT } from "../../src/cli/context.ts";
import { type EnvelopeJson, envelopeToJson } from "../../src/protocol/envelope/dsse.ts";
import { installProgram } from "../support/installed-program.ts";
import { type FoundedLog, PATIENT, type ServingProcess, SeveralWorld } from "./several-world.ts";

const programs = mkdtempSync(join(tmpdir(), "touchstone-program-"));
let program: string;
beforeAll(async () => {
  program = await installProgram(programs);
});
afterAll(() => rmSync(programs, { recursive: true }));

let world: SeveralWorld;
/** A log at the root of a host, one behind a prefix of it, and one on a host of its own. */
let urls: Record<"root" | "prod" | "other", string>;
beforeEach(async () => {
  world = await SeveralWorld.make(program);
  const base = `http://127.0.0.1:${world.port}`;
  urls = { root: base, prod: `${base}/prod`, other: `http://127.0.0.2:${world.port}` };
  for (const [name, url] of Object.entries(urls)) await world.found(name, url);
});
afterEach(() => world.remove());

const NAMES = ["root", "prod", "other"] as const;
const serve = () =>
  world.start(["--config", world.at("logs")], { TOUCHSTONE_HOST: "0.0.0.0", OBJECTS_KEY: "key" });
const publish = (name: (typeof NAMES)[number]) => world.publish(world.log(name), urls[name]);
const get = (url: string, init?: RequestInit) => fetch(url, { ...init, signal: AbortSignal.timeout(20_000) });
const processUrl = (path: string) => `http://127.0.0.3:${world.port}${path}`;

async function readiness(url: string): Promise<[number, unknown]> {
  const answer = await get(url);
  return [answer.status, await answer.json()];
}

describe("several logs in one process", () => {
  it("are published to, proven, verified and audited by their URLs, as logs alone are", async () => {
    const serving = await serve();
    for (const name of NAMES) {
      const { trust } = world.log(name);
      const file = world.at(`${name}.dsse.json`);
      const entry = await world.entry(world.log(name));
      writeFileSync(file, JSON.stringify(envelopeToJson(entry)));
      await world.json(["publish", file, "--to", urls[name], "--trust", trust]);
      await world.json([
        "proof",
        "verify",
        file,
        file.replace(".dsse.json", ".tlog-proof"),
        "--trust",
        trust,
      ]);
      const { entry: shown } = (await (await get(`${urls[name]}/v1/trust-root`)).json()) as {
        entry: { envelope: EnvelopeJson };
      };
      expect(JSON.stringify(shown.envelope)).toContain("payload");
      expect(await world.json(["audit", urls[name], "--trust", trust])).toMatchObject({ findings: [] });
    }
    expect(await serving.end("SIGTERM")).toBe(0);
  });

  it("do not take what another log's publisher has signed", async () => {
    await serve();
    const entry = await world.entry(world.log("prod"));
    expect(await world.log("root").observer.publish(urls.root, entry)).toBe("401 signature-unknown-key");
    expect(await world.log("prod").observer.publish(urls.prod, entry)).toBe("201");
  });

  it("have pages that lead nowhere else", async () => {
    await serve();
    for (const name of NAMES) {
      const page = await get(`${urls[name]}/`);
      const text = await page.text();
      expect(text).toContain(`${name}.example`);
      const links = [...text.matchAll(/(?:href|src)="([^"#]+)"/g)].map(
        ([, link]) => new URL(link!, page.url),
      );
      const own = links.filter(({ protocol }) => protocol === "http:");
      for (const { href } of new Set(own)) {
        expect(href.startsWith(`${urls[name]}/`), href).toBe(true);
        // Scripts are built with the package.
        if (!href.includes("/scripts/")) expect([href, (await get(href)).status]).toEqual([href, 200]);
      }
    }
    const [page] = [await get(urls.prod)];
    expect([page.status, page.url]).toEqual([200, `${urls.prod}/`]);
  });

  it("are not told apart by whoever asks under another name", async () => {
    await serve();
    const answer = await get(processUrl("/checkpoint"));
    expect([answer.status, await answer.text()]).toEqual([421, expect.not.stringMatching(/prod|other/)]);
    expect((await get(`http://127.0.0.2:${world.port}/prod/checkpoint`)).status).toBe(404);
    expect(await readiness(processUrl("/readyz"))).toEqual([200, { ready: true, notReady: [] }]);
    const metrics = await (await get(processUrl("/metrics"))).text();
    for (const name of NAMES)
      expect(metrics).toContain(`touchstone_tree_size{origin="${name}.example/log"} 2`);
  });
});

describe("a log that cannot be started", () => {
  /** Puts back a database that is older than what the log has signed. */
  async function putBack({ folder }: FoundedLog): Promise<() => void> {
    const file = join(folder, "log.db");
    copyFileSync(file, `${file}.old`);
    const serving = await serve();
    expect(await publish("prod")).toBe("201");
    expect(await serving.end("SIGTERM")).toBe(0);
    for (const suffix of ["-wal", "-shm"]) if (existsSync(file + suffix)) rmSync(file + suffix);
    renameSync(file, `${file}.new`);
    copyFileSync(`${file}.old`, file);
    return () => renameSync(`${file}.new`, file);
  }

  it("takes no other with it, is not shown, and is served again once it is repaired", async () => {
    const repair = await putBack(world.log("prod"));
    chmodSync(join(world.log("prod").folder, "keys", "log.key"), 0o644);
    const serving = await serve();
    expect(serving.said).toMatch(/"origin":"prod\.example\/log".*the log cannot be started/s);
    expect(serving.said).toContain("database-behind");
    for (const name of ["root", "other"] as const) expect(await publish(name)).toBe("201");
    expect(await publish("prod")).toBe("503 log-stopped");
    for (const path of ["/", "/checkpoint", "/v1/trust-root"])
      expect((await get(`${urls.prod}${path}`)).status).toBe(503);
    expect(await readiness(`${urls.prod}/readyz`)).toMatchObject([
      503,
      { ready: false, reason: "log-stopped" },
    ]);
    expect(await readiness(`${urls.root}/readyz`)).toMatchObject([200, { ready: true }]);
    expect(await readiness(processUrl("/readyz"))).toEqual([
      503,
      { ready: false, notReady: [{ origin: "prod.example/log", reason: "log-stopped" }] },
    ]);
    expect((await get(processUrl("/healthz"))).status).toBe(200);
    repair();
    await vi.waitFor(async () => expect(await publish("prod")).toBe("201"), PATIENT);
    expect((await readiness(processUrl("/readyz")))[0]).toBe(200);
    await world.log("prod").observer.audit(urls.prod);
    // Each attempt has read it.
    expect(serving.said.match(/log\.key: others than its owner can read/g)).toHaveLength(1);
    expect(await serving.end("SIGTERM")).toBe(0);
  });

  it("has no other wait for it, as where its bucket takes connections and answers nothing", {
    timeout: 90_000,
  }, async () => {
    const silent = createServer(() => undefined).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const config = join(world.log("prod").folder, "touchstone.toml");
    const text = readFileSync(config, "utf8").replace(
      /^highWater = .*/m,
      'highWater = ["high-water", "s3:x"]',
    );
    const keys = 'accessKey = "env:OBJECTS_KEY"\nsecretKey = "env:OBJECTS_KEY"';
    const bucket = `[storage.objects]\nendpoint = "http://127.0.0.1:${port}"\nbucket = "tlog"\n${keys}\n`;
    writeFileSync(config, `${text}\n${bucket}`);
    const serving = await serve();
    expect(serving.said).not.toContain("cannot be started");
    expect(await publish("root")).toBe("201");
    expect(await publish("prod")).toBe("503 log-stopped");
    silent.close();
    silent.closeAllConnections();
    // Whether it is being started or tried again, it ends with its process.
    expect(await serving.end("SIGTERM")).toBe(0);
  });

  it("ends with its process while it is tried again", async () => {
    await putBack(world.log("prod"));
    const serving = await serve();
    expect(await serving.end("SIGTERM")).toBe(0);
  });

  it("says why where none of them can be started, as that of a log alone does", async () => {
    for (const { folder } of world.logs.values()) rmSync(join(folder, "log.db"));
    const ended = await world.tryToStart(["--config", world.at("logs")]);
    expect(ended).toMatchObject({
      code: EXIT.usage,
      said: expect.stringMatching(/other\.example\/log.*has signed a tree of 2 entries, the database has 0/s),
    });
  });
});

describe("a process that is told to stop", () => {
  it("loses nothing that any of its logs has acknowledged", async () => {
    const serving = await serve();
    let stopping = false;
    const publishers = NAMES.flatMap((name) => [name, name, name]).map(async (name) => {
      const answers: string[] = [];
      while (!stopping) answers.push(await publish(name));
      return answers;
    });
    const acknowledged = () => NAMES.map((name) => world.log(name).observer.acknowledged.size);
    await vi.waitFor(() => expect(Math.min(...acknowledged())).toBeGreaterThan(20), PATIENT);
    const status = await serving.end("SIGTERM");
    stopping = true;
    const answers = (await Promise.all(publishers)).flat();
    expect([
      status,
      [...new Set(answers)].filter((answer) => !/^(?:201|202|none|503 shutting-down)$/.test(answer)),
    ]).toEqual([0, []]);
    await serve();
    for (const name of NAMES) await world.log(name).observer.audit(urls[name]);
  });

  it("is killed, and loses nothing either", async () => {
    let serving: ServingProcess = await serve();
    for (let round = 0; round < 2; round++) {
      const sent = NAMES.flatMap((name) => [publish(name), publish(name), publish(name)]);
      await Promise.race(sent);
      await serving.end("SIGKILL");
      await Promise.all(sent);
      serving = await serve();
    }
    for (const name of NAMES) await world.log(name).observer.audit(urls[name]);
  });
});

it("a log is reached by its URL in a folder of its own as well, and under any other where its file is named", async () => {
  for (const name of ["root", "other"]) rmSync(world.log(name).folder, { recursive: true });
  const serving = await serve();
  expect((await get(`${urls.prod}/checkpoint`)).status).toBe(200);
  expect((await get(processUrl("/checkpoint"))).status).toBe(421);
  await serving.end("SIGTERM");
  const config = join(world.log("prod").folder, "touchstone.toml");
  await world.start(["--config", config], { TOUCHSTONE_HOST: "0.0.0.0" });
  expect((await get(processUrl("/checkpoint"))).status).toBe(200);
});

it("a log is shown by no other's URL, also where a process only reads", async () => {
  const config = join(world.log("other").folder, "touchstone.toml");
  const text = readFileSync(config, "utf8");
  writeFileSync(config, text.replace('"log.db"', '"../prod/log.db"'));
  const ended = await world.tryToStart(["--config", config, "--role", "read"]);
  expect(ended).toMatchObject({
    code: EXIT.usage,
    said: expect.stringMatching(
      /holds the log prod\.example\/log, and the configuration is of other\.example/,
    ),
  });
});

it("two logs of one origin are refused before anything is opened, with both files", async () => {
  const { folder } = world.log("other");
  const text = readFileSync(join(folder, "touchstone.toml"), "utf8");
  writeFileSync(join(folder, "touchstone.toml"), text.replace("other.example/log", "prod.example/log"));
  const ended = await world.tryToStart(["--config", world.at("logs")]);
  expect(ended).toMatchObject({ code: EXIT.usage });
  expect(JSON.stringify(ended)).toMatch(
    /prod\/touchstone\.toml and .*other\/touchstone\.toml name the same origin/,
  );
});
