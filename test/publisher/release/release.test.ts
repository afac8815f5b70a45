// `touchstone release` from the file to the log and back: order, one batch, the policy over it, running again, and every way to stop
// half way. Each log is a real one, served on a port of its own.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { parseExpected } from "../../../src/auditor/monitor/expected-entries.ts";
import { parsePlan } from "../../../src/publisher/release/plan.ts";
import type { ReleaseSummary } from "../../../src/publisher/release/summary.ts";
import { policyParts, REQUIREMENTS, releaseToml, smallWorld, writeImage } from "./small-release.ts";

const world = smallWorld();
const KEYS = 'publisher = "log/keys/publisher.pem"\npolicy = ["log/keys/policy.pem"]';
const PUBLISHER = 'publisher = "log/keys/publisher.pem"';

const read = (path: string) => readFileSync(world.at(path), "utf8");
const write = (name: string, parts: Partial<Parameters<typeof releaseToml>[0]> & { version: string }) =>
  world.folder.write(name, releaseToml({ log: world.url(), keys: KEYS, ...parts }));
const summaryOf = (folder: string): ReleaseSummary => JSON.parse(read(`${folder}/summary.json`));
const policyOf = (folder: string) => JSON.parse(read(`${folder}/policy.json`)).predicate;
const planOf = (folder: string) => parsePlan(new Uint8Array(readFileSync(world.at(`${folder}/plan.json`))));

/** A release file with an image and a policy, whose image is made of what the same file describes. */
async function writeWhole(name: string, version: string, parts: { keys?: string } = {}): Promise<string> {
  const bare = write(`bare-${name}`, { version });
  expect((await world.run(["release", bare, "--prepare", world.at(`bare-${name}.d`)])).error).toBeNull();
  writeImage(world, `bare-${name}.d`, version);
  return write(name, { version, ...policyParts(version), ...parts });
}

beforeAll(() => void world.folder.write("requirements.toml", REQUIREMENTS));

describe("touchstone release", () => {
  it("publishes everything after what it refers to, in one batch, with proofs and a summary", async () => {
    const before = await world.size();
    const file = write("first.toml", { version: "1.0" });
    const { said, error } = await world.run(["release", file]);
    expect(error).toBeNull();
    expect(said).toContain("4 entries added");
    const { entries, added, policy } = summaryOf("first.d");
    expect({ added, policy }).toEqual({ added: 4, policy: null });
    expect(entries.map(({ table, index }) => [table, index - before])).toEqual([
      ["vm", 0],
      ["linux", 1],
      ["gsp", 2],
      ["driver", 3],
    ]);
    for (const { proof, envelope, payloadDigest } of entries) {
      const verified = await world.run([
        "proof",
        "verify",
        world.at(`first.d/${envelope}`),
        world.at(`first.d/${proof}`),
        "--trust",
        world.at("log/trust-root.json"),
      ]);
      expect(verified.error).toBeNull();
      expect(read("first.d/summary.md")).toContain(payloadDigest);
    }
  });

  it("records what it is about to publish for a monitor, once", async () => {
    const file = write("recorded.toml", { version: "7.7" });
    const expected = world.at("expected.toml");
    for (const args of [
      ["--prepare", world.at("recorded.d")],
      ["--publish", world.at("recorded.d")],
    ])
      expect((await world.run(["release", file, ...args, "--record", expected])).error).toBeNull();
    const { entry, watch } = parseExpected(new Uint8Array(readFileSync(expected)));
    const entries = summaryOf("recorded.d").entries;
    expect(entry.map(({ digest }) => digest)).toEqual(entries.map(({ payloadDigest }) => payloadDigest));
    expect(watch.names).toEqual([...new Set(entry.map(({ name }) => name))]);
  });

  it("takes fields once, lets a table override them, and links a table to another by its statement's digest", () => {
    const linux = JSON.parse(read("first.d/linux.json")).predicate;
    const driver = JSON.parse(read("first.d/driver.json")).predicate;
    expect([linux.svn, driver.svn]).toEqual([7, 3]);
    expect([linux.channel, driver.builder.id]).toEqual(["stable", "https://ci.acme.example"]);
    const planned = planOf("first.d").entries.find(({ table }) => table === "linux");
    expect(driver.kernel).toEqual({
      kind: "kernel-patch-set",
      name: "acme/gold",
      version: "1.0",
      digest: planned?.digest,
    });
  });

  it("run again adds nothing, says so, and changes no statement", async () => {
    const before = await world.size();
    const statements = read("first.d/plan.json");
    const { said, error } = await world.run(["release", world.at("first.toml")]);
    expect(error).toBeNull();
    expect(said).toContain("Nothing added: everything is in the log already");
    expect(said).toContain("was in the log already");
    expect(await world.size()).toBe(before);
    expect(read("first.d/plan.json")).toBe(statements);
  });

  it("gives the same statements in another folder", async () => {
    expect(
      (await world.run(["release", world.at("first.toml"), "--prepare", world.at("again")])).error,
    ).toBeNull();
    expect(read("again/plan.json")).toBe(read("first.d/plan.json"));
    expect(read("again/driver.json")).toBe(read("first.d/driver.json"));
  });

  it("refuses another content under a released identity, and adds none of the batch", async () => {
    const before = await world.size();
    const file = world.folder.write("changed.toml", read("first.toml").replace("svn = 7", "svn = 8"));
    const dry = await world.run(["release", file, "--dry-run"]);
    expect(dry.said).toMatch(
      /kernel-patch-set\/acme\/gold@1\.0: WOULD BE REFUSED \(entry \d+ has the same identity/,
    );
    expect(dry.error).toBe("");
    expect((await world.run(["release", file])).error).toMatch(/409/);
    expect(await world.size()).toBe(before);
  });

  it("refers to what the log has by kind/name@version", async () => {
    const toml = read("first.toml")
      .replace(/\[artefacts\.linux\][\s\S]*(?=\[artefacts\.vm\])/, "")
      .replace('kernel = "linux"', 'kernel = "kernel-patch-set/acme/gold@1.0"')
      .replace('version = "1.0"', 'version = "1.1"');
    const file = world.folder.write("logged.toml", toml);
    expect((await world.run(["release", file])).error).toBeNull();
    const { digest } = JSON.parse(read("logged.d/driver.json")).predicate.kernel;
    expect(digest).toBe(planOf("first.d").entries.find(({ table }) => table === "linux")?.digest);
  });
});

describe("dry run", () => {
  it("says what would be added, writes nothing and publishes nothing", async () => {
    const before = await world.size();
    const file = write("dry.toml", { version: "2.0" });
    const files = readdirSync(world.folder.path).sort();
    const { said, error } = await world.run(["release", file, "--dry-run"]);
    expect(error).toBeNull();
    expect(said).toContain("driver-build/acme/gold@2.0: would be added");
    expect(said).toContain("nothing was written or published");
    expect(readdirSync(world.folder.path).sort()).toEqual(files);
    expect(await world.size()).toBe(before);
  });

  it("says that a key has no role for what it would sign", async () => {
    const file = write("stranger.toml", { version: "2.1", keys: 'publisher = "log/keys/policy.pem"' });
    const { said, error } = await world.run(["release", file, "--dry-run"]);
    expect(said).toMatch(/WOULD BE REFUSED \(.*no role for platform acme\/gold/);
    expect(error).toBe("");
  });
});

describe("policy of a release", () => {
  it("is composed of what the artefacts state, published, and served as a bundle that verifies", async () => {
    const file = await writeWhole("whole.toml", "3.0");
    expect((await world.run(["release", file])).error).toBeNull();
    const { policy, added } = summaryOf("whole.d");
    expect({ entry: policy?.entry, added }).toEqual({ entry: "policy/prod@1", added: 8 });
    const { profiles, svnFloor } = JSON.parse(read("whole.d/policy.json")).predicate;
    expect(svnFloor).toMatchObject({ "kernel-patch-set": 7, "driver-build": 3, platform: 3, "os-image": 1 });
    expect(profiles[0]).toMatchObject({
      id: "h100",
      gpu: {
        count: 1,
        driverVersions: ["550.163.01"],
        vbiosVersions: ["96.00.9F.00.01"],
        mode: "single",
        modeNotStated: "reject",
        ccMode: "on",
        devtools: false,
      },
      tdx: { requiredAttributes: ["sept-ve-disable", "not-migratable", "reserved-zero", "xfam-mandatory"] },
    });
    const tables = ["rim.json", "driver-rim.json"].map(
      (name) => JSON.parse(read(name)).predicate.tableDigest,
    );
    expect(profiles[0].gpu.rimTables).toEqual([...new Set(tables)]);
    const bundle = world.at("prod.bundle.json");
    expect(
      (await world.run(["bundle", "fetch", "prod", "--to", world.url(), "-o", bundle])).error,
    ).toBeNull();
    const verified = await world.run([
      "bundle",
      "verify",
      bundle,
      "--policy",
      "prod",
      "--trust",
      world.at("log/trust-root.json"),
    ]);
    expect(verified.error).toBeNull();
    expect(verified.said).toContain("verified: policy prod version 1");
  });

  it("is what `policy draft` makes of the same entries and the same requirements", async () => {
    const { osImage, gspFirmware, gpuRims, platforms } = policyOf("whole.d").profiles[0];
    const chosen = ({ name, version }: { name: string; version: string }) => `${name}@${version}`;
    const { error } = await world.run([
      ...["policy", "draft", "prod", "--requirements", world.at("requirements.toml"), "--profile", "h100"],
      ...["--os-image", chosen(osImage), "--gsp-firmware", chosen(gspFirmware)],
      ...gpuRims.flatMap((rim: { name: string; version: string }) => ["--gpu-rim", chosen(rim)]),
      ...["--platform", chosen(platforms[0])],
      ...["--to", world.url(), "-o", world.at("drafted.json")],
    ]);
    expect(error).toBeNull();
    const { svnFloor, profiles, version } = JSON.parse(read("drafted.json")).predicate;
    expect({ svnFloor, profiles }).toEqual({
      svnFloor: policyOf("whole.d").svnFloor,
      profiles: policyOf("whole.d").profiles,
    });
    expect(version, "it follows the published one").toBe(2);
  });

  it("gets no new version while the one in force says the same", async () => {
    const before = await world.size();
    const { said, error } = await world.run(["release", world.at("whole.toml")]);
    expect(error).toBeNull();
    expect(said).toContain("policy/prod@1: entry");
    expect(said).toContain("Nothing added");
    expect(await world.size()).toBe(before);
  });

  it("follows the one before when the release is another", async () => {
    const file = await writeWhole("next.toml", "3.1");
    expect((await world.run(["release", file])).error).toBeNull();
    const { version, previous } = JSON.parse(read("next.d/policy.json")).predicate;
    expect({ version, previous }).toEqual({
      version: 2,
      previous: summaryOf("whole.d").policy?.payloadDigest,
    });
  });

  it("stays a draft without its key, and is published when it has been signed elsewhere", async () => {
    const file = await writeWhole("draft.toml", "3.2", { keys: PUBLISHER });
    const { said } = await world.run(["release", file]);
    expect(said).toContain("policy.json is a draft");
    expect(existsSync(world.at("draft.d/policy.dsse.json"))).toBe(false);
    const draft = read("draft.d/policy.json");
    const sign = ["sign", world.at("draft.d/policy.json"), "--key", world.at("log/keys/policy.pem")];
    expect((await world.run(sign)).error).toBeNull();
    expect((await world.run(["release", file])).said).toContain("policy/prod@3: entry");
    expect(read("draft.d/policy.json"), "what was signed is what was drafted").toBe(draft);
  });
});

describe("after a failure", () => {
  it("between publishing and the policy, the rest is added and nothing twice", async () => {
    const file = await writeWhole("resume.toml", "4.0");
    const before = await world.size();
    let batches = 0;
    const failing: typeof fetch = (input, init) => {
      if (init?.method === "POST" && ++batches === 2)
        return Promise.resolve(Response.json({ code: "storage", detail: "disk full" }, { status: 500 }));
      return fetch(input, init);
    };
    expect((await world.run(["release", file], { fetch: failing })).error).toContain("disk full");
    const draft = read("resume.d/policy.json");
    expect(summaryOf("resume.d")).toMatchObject({ policy: null, policyDraft: "policy.json" });
    const { error } = await world.run(["release", file]);
    expect(error).toBeNull();
    expect(read("resume.d/policy.json"), "the same draft").toBe(draft);
    const { entries, policy, added } = summaryOf("resume.d");
    expect(entries.every(({ outcome }) => outcome === "known")).toBe(true);
    expect({ outcome: policy?.outcome, added }).toEqual({ outcome: "new", added: 1 });
    expect(policy?.index).toBeGreaterThan(before);
  });

  it("with a lost answer, the same entries are found again", async () => {
    const file = write("lost.toml", { version: "4.1" });
    const losing: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      if (init?.method !== "POST") return response;
      return Response.json({ code: "gateway", detail: "the answer was lost" }, { status: 502 });
    };
    const before = await world.size();
    expect((await world.run(["release", file], { fetch: losing })).error).toContain("lost");
    expect(await world.size()).toBeGreaterThan(before);
    const after = await world.size();
    expect((await world.run(["release", file])).said).toContain("Nothing added");
    expect(await world.size()).toBe(after);
  });
});
