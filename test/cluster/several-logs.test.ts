// Two processes that serve the same three logs on a real PostgreSQL: each log is led by one of them, whichever, and an entry that is sent to
// either is in the log that it was sent to.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ServingProcess, SeveralWorld } from "../several/several-world.ts";
import { FAKE_S3, type FakeS3, startFakeS3 } from "../support/fake-s3.ts";
import { freePort } from "../support/free-port.ts";
import { installProgram } from "../support/installed-program.ts";
import { TestPostgres, whyNoPostgres } from "../support/postgres.ts";
import { LEASE, PATIENT } from "./cluster-world.ts";

const NAMES = ["red", "green", "blue"] as const;
const SECRET = "0123456789abcdef0123456789abcdef";

describe.skipIf(whyNoPostgres !== undefined)(
  `several logs of two processes${whyNoPostgres === undefined ? "" : ` (skipped: ${whyNoPostgres})`}`,
  { timeout: 180_000 },
  () => {
    const programs = mkdtempSync(join(tmpdir(), "touchstone-program-"));
    let world: SeveralWorld;
    let postgres: TestPostgres;
    let s3: FakeS3;
    const serving = new Map<string, { readonly process: ServingProcess; readonly url: string }>();
    const environment = () => ({
      POSTGRES: postgres.url,
      S3_ACCESS: FAKE_S3.accessKey,
      S3_SECRET: FAKE_S3.secretKey,
      CLUSTER: SECRET,
    });

    /** Gives a process a folder with all logs, each as `init` has left it but for what several processes need. */
    async function start(id: string, names: readonly string[] = NAMES): Promise<void> {
      const [port, forwarding] = [await freePort(), await freePort()];
      for (const name of names) {
        const folder = world.at(id, name);
        cpSync(world.log(name).folder, folder, { recursive: true });
        const file = join(folder, "touchstone.toml");
        const text = readFileSync(file, "utf8")
          .replace(/^url = .*$/m, `url = "http://127.0.0.1:${port}/${name}"`)
          .replace(/^highWater = .*$/m, `highWater = ["s3:${name}", "high-water"]`);
        writeFileSync(file, `${text}\n${objects()}\n${cluster(id, forwarding)}`);
      }
      const process = await world.start(["--port", `${port}`, "--config", world.at(id)], environment());
      serving.set(id, { process, url: `http://127.0.0.1:${port}` });
    }
    const objects = () => `[storage.objects]
endpoint = "${s3.endpoint}"
bucket = "${FAKE_S3.bucket}"
region = "${FAKE_S3.region}"
accessKey = "env:S3_ACCESS"
secretKey = "env:S3_SECRET"`;
    const cluster = (id: string, port: number) => `[cluster]
id = "${id}"
advertise = "http://127.0.0.1:${port}"
listen = { port = ${port} }
secret = "env:CLUSTER"
lease = ${LEASE}`;

    async function end(id: string, signal: NodeJS.Signals): Promise<number | null | undefined> {
      const status = await serving.get(id)?.process.end(signal);
      serving.delete(id);
      rmSync(world.at(id), { recursive: true, force: true });
      return status;
    }

    const urlOf = (id: string, name: string) => `${serving.get(id)!.url}/${name}`;
    const publish = (id: string, name: string) => world.publish(world.log(name), urlOf(id, name));

    /** Publishes to a log through a process until it is taken. */
    async function publishUntilTaken(id: string, name: string): Promise<void> {
      await expect.poll(() => publish(id, name), PATIENT).toBe("201");
    }

    /** Who leads a log, by the database. */
    function holderOf(name: string): string {
      return postgres.sql("SELECT holder FROM tree_head WHERE lease_until > clock_timestamp()", name);
    }

    /** Waits until each process leads some log: a newer epoch ends whoever leads a log, and the next one in line has it. */
    async function untilBothLead(): Promise<void> {
      for (;;) {
        const holders = new Set(NAMES.map(holderOf));
        if (["one", "two"].every((id) => holders.has(id))) return;
        postgres.sql("UPDATE tree_head SET epoch = epoch + 1", "green");
        await publish("one", "green");
        await sleep(500);
      }
    }

    async function audit(id: string): Promise<void> {
      for (const name of NAMES) await world.log(name).observer.audit(urlOf(id, name));
    }

    beforeAll(async () => {
      [postgres, s3] = [TestPostgres.start(), await startFakeS3()];
      world = await SeveralWorld.make(await installProgram(programs));
      for (const name of NAMES) {
        const options = ["--postgres", "env:POSTGRES", "--schema", name];
        await world.found(name, `http://127.0.0.1/${name}`, { options, environment: environment() });
      }
      await start("one");
      await start("two");
    }, 180_000);
    afterAll(async () => {
      await world.remove();
      postgres.remove();
      await s3.close();
      rmSync(programs, { recursive: true });
    });

    it("takes an entry into the log that it was sent to, whichever process leads that one", async () => {
      await untilBothLead();
      for (const id of ["one", "two"]) for (const name of NAMES) await publishUntilTaken(id, name);
      for (const id of ["one", "two"]) await audit(id);
      const origins = NAMES.map((name) => `${name}.example/log`);
      const metrics = await (await fetch(`${serving.get("one")!.url}/metrics`)).text();
      for (const origin of origins) expect(metrics).toContain(`touchstone_tree_size{origin="${origin}"}`);
    });

    it("goes on with every log when one process is killed, and when it comes back", async () => {
      await untilBothLead();
      await end("one", "SIGKILL");
      for (const name of NAMES) await publishUntilTaken("two", name);
      await start("one");
      for (const name of NAMES) await publishUntilTaken("one", name);
      await audit("one");
      await audit("two");
    });

    it("hands every log over when one is told to stop under load, and loses nothing", async () => {
      await untilBothLead();
      let stopping = false;
      const publishers = NAMES.map(async (name) => {
        const answers: string[] = [];
        while (!stopping) answers.push(await publish("two", name));
        return answers;
      });
      expect(await end("one", "SIGTERM")).toBe(0);
      for (const name of NAMES) await publishUntilTaken("two", name);
      stopping = true;
      const answers = new Set((await Promise.all(publishers)).flat());
      expect([...answers].filter((answer) => !/^(?:20[12]|503 no-leader)$/.test(answer))).toEqual([]);
      await audit("two");
      await start("one");
    });

    it("takes nothing for a log that it does not serve, though whoever sends it knows the secret", async () => {
      await end("one", "SIGTERM");
      for (const name of NAMES) await publishUntilTaken("two", name);
      await start("one", ["red", "blue"]);
      await start("three", ["green"]);
      // As where the leader of one log was given the address of a process of others.
      const file = readFileSync(join(world.at("one", "red"), "touchstone.toml"), "utf8");
      const address = /advertise = "(.*)"/.exec(file)?.[1];
      postgres.sql(`UPDATE tree_head SET address = '${address}'`, "green");
      await expect.poll(() => publish("three", "green"), PATIENT).toBe("503 no-leader");
      const { said } = serving.get("one")!.process;
      expect(said).toMatch(/"by":"three","given":"green\.example%2Flog".*is not served here/);
      await publishUntilTaken("two", "green");
      await audit("two");
    });
  },
);
