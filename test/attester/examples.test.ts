// What people copy: units that systemd accepts, options that there are, and an nginx in front of a made-up machine, which lets the gate's
// rules hold: evidence unchanged on the connection, no session to resume, each word as it comes.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createEvidenceApp } from "../../src/attester/http/app.ts";
import { ChannelKeys } from "../../src/attester/http/channel-keys.ts";
import { evidenceOfServer } from "../../src/cli/peer/evidence-of-server.ts";
import { createProgram, defineCommands } from "../../src/cli/program.ts";
import { type RunningServer, startServer } from "../../src/http/server.ts";
import { encodeHex } from "../../src/protocol/encoding/hex.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { makeKeyPair, makeRaTlsCertificate, privateKeyPem } from "../../src/testing/index.ts";
import { inProject, readProject } from "../support/example-build.ts";

const EXAMPLES = "examples/attesting-machine";
const PAGE = readProject("docs/attesting-machine.md");
const haveNginx = spawnSync("nginx", ["-v"]).error === undefined;

const outside = {
  environment: {},
  now: () => new Date(),
  fetch,
  print: () => undefined,
  warn: () => undefined,
  interactive: false,
  confirm: async () => true,
};

describe("examples/attesting-machine", () => {
  it("calls commands with options that they have, and the page explains those of attest serve", async () => {
    const program = await defineCommands(createProgram(outside), outside);
    const attest = program.commands.find((command) => command.name() === "attest")!;
    const serve = attest.commands.find((command) => command.name() === "serve")!;
    const evidence = program.commands.find((command) => command.name() === "evidence")!;
    const assemble = evidence.commands.find((command) => command.name() === "assemble")!;
    const known = [...attest.options, ...serve.options, ...assemble.options].map(({ long }) => long);
    const [, start = ""] =
      /^ExecStart=(.*(?:\\\n.*)*)/m.exec(readProject(`${EXAMPLES}/touchstone-attest.service`)) ?? [];
    const used = [start, ...(PAGE.match(/touchstone (?:attest|evidence)[^`]*/g) ?? [])]
      .flatMap((text) => text.match(/(?<=\s)--(?!device|nonce \{)[a-z-]+/g) ?? [])
      .filter((option) => !["--device", "--connect", "--bundle", "--policy", "--trust"].includes(option));
    expect(used.length).toBeGreaterThan(10);
    expect(known).toEqual(expect.arrayContaining(used));
    const rows = [...PAGE.matchAll(/^\| (`--.*?) \|/gm)].flatMap(
      ([, cell = ""]) => cell.match(/--[a-z-]+/g) ?? [],
    );
    const served = serve.options.map(({ long }) => long).filter((long) => long !== "--json");
    expect(rows).toEqual(expect.arrayContaining(served));
  });

  it("has units that systemd accepts", (test) => {
    const units = globSync(`${EXAMPLES}/*.service`, { cwd: inProject(".") }).map((unit) => inProject(unit));
    expect(units).toHaveLength(3);
    const { error, stderr } = spawnSync("systemd-analyze", ["verify", ...units], { encoding: "utf8" });
    if (error !== undefined) return test.skip("systemd-analyze is not installed");
    const lines = stderr.split("\n").filter((line) => /attesting-machine|touchstone|vllm/.test(line));
    expect(lines.filter((line) => !/not executable|No such file/.test(line))).toEqual([]);
  });
});

describe.skipIf(!haveNginx)(
  `nginx in front of a machine${haveNginx ? "" : " (skipped: nginx is not installed)"}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), "touchstone-front-end-"));
    const closing: Array<() => unknown> = [];
    let port: number;
    let nginx: ChildProcess;
    let attester: RunningServer;
    let spki: Uint8Array;
    /** What vLLM is to say next. */
    let reply: ServerResponse;

    const listen = async (server: Server): Promise<number> => {
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      closing.push(() => server.close());
      return (server.address() as AddressInfo).port;
    };

    async function startModel(): Promise<number> {
      return listen(
        createServer((_, answer) => {
          answer.writeHead(200, { "content-type": "text/event-stream" }).write("data: one\n\n");
          reply = answer;
        }),
      );
    }

    async function startAttester(): Promise<RunningServer> {
      const app = createEvidenceApp({
        channels: new ChannelKeys(spki),
        makeEvidence: async ({ channelKey, nonce }) => utf8(`${encodeHex(channelKey)} ${encodeHex(nonce)}`),
        logger: pino({ level: "silent" }),
        limits: { requestsPerMinute: 1000, trustedProxies: 1, waiting: 64 },
      });
      return startServer({ app, host: "127.0.0.1", port: 0, close: async () => {}, graceMs: 100 });
    }

    function configuration(model: number): string {
      const example = readProject(`${EXAMPLES}/nginx.conf`)
        .replace("listen 443 ssl;", `listen 127.0.0.1:${port} ssl;`)
        .replaceAll("/run/touchstone-tls", folder)
        .replace("http://127.0.0.1:8788", attester.address)
        .replace("127.0.0.1:8000", `127.0.0.1:${model}`);
      const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
      const paths = temporary.map((name) => `${name}_temp_path ${join(folder, name)};`).join(" ");
      return `daemon off; user root; pid nginx.pid;\nevents { }\nhttp { ${paths}\n${example}\n}\n`;
    }

    beforeAll(async () => {
      const key = await makeKeyPair("P-256");
      spki = key.spki;
      const { pem } = await makeRaTlsCertificate(key, {
        commonName: "llm.example.com",
        extensions: [],
        notBefore: new Date(Date.now() - 1e8),
        notAfter: new Date(Date.now() + 1e8),
      });
      mkdirSync(join(folder, "logs"));
      writeFileSync(join(folder, "key.pem"), await privateKeyPem(key));
      writeFileSync(join(folder, "cert.pem"), pem);
      attester = await startAttester();
      const free = createServer();
      port = await listen(free);
      free.close();
      writeFileSync(join(folder, "nginx.conf"), configuration(await startModel()));
      const tested = spawnSync("nginx", ["-t", "-p", folder, "-c", "nginx.conf", "-e", "logs/error"], {
        encoding: "utf8",
      });
      expect(tested.stderr).toContain("test is successful");
      nginx = spawn("nginx", ["-p", folder, "-c", "nginx.conf", "-e", "logs/error"], { stdio: "inherit" });
      for (let tries = 0; tries < 200 && !(await isUp()); tries++)
        await new Promise((resolve) => setTimeout(resolve, 25));
    }, 30_000);
    afterAll(async () => {
      nginx?.kill("SIGTERM");
      for (const close of closing) close();
      await attester?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    const isUp = () =>
      new Promise<boolean>((resolve) => {
        const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false });
        socket.once("secureConnect", () => resolve(true)).once("error", () => resolve(false));
        socket.once("secureConnect", () => socket.destroy());
      });

    it("passes evidence on unchanged, on the connection whose key it is for", async () => {
      const shown = await evidenceOfServer(
        { host: "127.0.0.1", port },
        { nonce: new Uint8Array(32), given: undefined, warn: () => {} },
      );
      expect(encodeHex(shown.channel.key)).toBe(encodeHex(spki));
      expect(new TextDecoder().decode(shown.evidence)).toBe(`${encodeHex(spki)} ${"00".repeat(32)}`);
    });

    it("lets nobody in by a session of before: each connection shows the key anew", async () => {
      /** TLS 1.3 numbers sessions even where none is kept (OpenSSL, SSL_OP_NO_TICKET). */
      const visit = (session?: Buffer) =>
        new Promise<{ reused: boolean; sessions: Buffer[] }>((resolve, reject) => {
          const sessions: Buffer[] = [];
          const socket = connect({
            host: "127.0.0.1",
            port,
            rejectUnauthorized: false,
            minVersion: "TLSv1.3",
            ...(session && { session }),
          });
          let reused = false;
          socket.on("session", (given) => sessions.push(given)).on("error", reject);
          socket.once("secureConnect", () => {
            reused = socket.isSessionReused();
            socket.end("GET / HTTP/1.0\r\n\r\n");
          });
          socket.on("data", () => {}).once("close", () => resolve({ reused, sessions }));
        });
      const { sessions } = await visit();
      for (const session of sessions) expect((await visit(session)).reused).toBe(false);
    });

    it("passes each word of the model on before the next one is said", async () => {
      const words: string[] = [];
      await new Promise<void>((resolve, reject) => {
        const options = {
          host: "127.0.0.1",
          port,
          path: "/v1/completions",
          rejectUnauthorized: false,
          agent: false,
        };
        request(options, (answer) => {
          answer.on("end", resolve).on("data", (piece: Buffer) => {
            words.push(piece.toString());
            if (words.length === 1) reply.end("data: two\n\n");
          });
        })
          .on("error", reject)
          .end();
      });
      expect(words).toEqual(["data: one\n\n", "data: two\n\n"]);
    });

    it("has nothing else to show", async () => {
      const status = await new Promise<number>((resolve, reject) => {
        const options = {
          host: "127.0.0.1",
          port,
          path: "/metrics",
          rejectUnauthorized: false,
          agent: false,
        };
        request(options, (answer) => resolve(answer.resume().statusCode ?? 0))
          .on("error", reject)
          .end();
      });
      expect(status).toBe(404);
    });
  },
);
