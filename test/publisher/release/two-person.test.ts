// Two people, two machines: what one prepares, the other signs, and nobody can swap a statement in between. And keys: from files and
// the environment, and never shown.
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { generateSigningKey, parseSigningKey } from "../../../src/node/signing/signing-key.ts";
import { parsePlan } from "../../../src/publisher/release/plan.ts";
import { releaseToml, smallWorld } from "./small-release.ts";

const world = smallWorld();
const write = (name: string, version: string, keys?: string) =>
  world.folder.write(
    name,
    releaseToml({ version, log: world.url(), ...(keys === undefined ? {} : { keys }) }),
  );
const tablesOf = (folder: string) =>
  parsePlan(new Uint8Array(readFileSync(world.at(`${folder}/plan.json`)))).entries.map(({ table }) => table);

describe("statements signed on another machine", () => {
  let file: string;
  beforeAll(async () => {
    file = write("shared.toml", "1.0");
    expect((await world.run(["release", file, "--prepare", world.at("out")])).error).toBeNull();
  });

  it("are not published before somebody has signed them", async () => {
    const { error } = await world.run(["release", file, "--publish", world.at("out")]);
    expect(error).toMatch(/vm\.json is not signed: run 'touchstone sign .*keys\.publisher/);
    expect(await world.size()).toBeLessThan(3);
  });

  it("are published with the signatures that came back, and the artefacts need not be there", async () => {
    cpSync(world.at("out"), world.at("elsewhere"), { recursive: true });
    for (const table of tablesOf("elsewhere")) {
      const signed = await world.run([
        "sign",
        world.at(`elsewhere/${table}.json`),
        "--key",
        world.at("log/keys/publisher.pem"),
      ]);
      expect(signed.error).toBeNull();
    }
    const lone = world.folder.write(
      "lone/shared.toml",
      readFileSync(file, "utf8").replace("log/trust", "../log/trust"),
    );
    const { said, error } = await world.run(["release", lone, "--publish", world.at("elsewhere")]);
    expect(error).toBeNull();
    expect(said).toContain("4 entries added");
    expect((await world.run(["release", lone, "--publish", world.at("elsewhere")])).said).toContain(
      "Nothing added",
    );
  });

  it("are refused where one was swapped for another statement", async () => {
    cpSync(world.at("out"), world.at("swapped"), { recursive: true });
    const statement = readFileSync(world.at("swapped/linux.json"), "utf8").replace('"svn":7', '"svn":9');
    writeFileSync(world.at("swapped/linux.json"), statement);
    for (const table of tablesOf("swapped"))
      await world.run([
        "sign",
        world.at(`swapped/${table}.json`),
        "--key",
        world.at("log/keys/publisher.pem"),
      ]);
    const { error } = await world.run(["release", file, "--publish", world.at("swapped")]);
    expect(error).toMatch(/linux\.dsse\.json holds another statement/);
  });

  it("lose a signature when the artefact has changed since, and say so", async () => {
    cpSync(world.at("elsewhere"), world.at("stale"), { recursive: true });
    world.folder.write("vmlinuz", "another kernel");
    const { said } = await world.run(["release", file, "--prepare", world.at("stale")], {
      interactive: true,
    });
    world.folder.write("vmlinuz", "a kernel");
    expect(said).toMatch(/removed .*stale\/linux\.dsse\.json: it signed another statement/);
    expect(said).not.toMatch(/removed .*stale\/gsp\.dsse\.json/);
  });
});

describe("a threshold of two publishers", () => {
  const second = generateSigningKey();
  const SECOND = 'publisher = "second.pem"';

  beforeAll(async () => {
    world.folder.write("second.pem", second);
    const steps = async (...args: string[]) =>
      expect((await world.run(["trust-root", ...args])).error, args[0]).toBeNull();
    await steps("draft", "--to", world.url(), "-o", world.at("root-2.json"));
    const next = JSON.parse(readFileSync(world.at("root-2.json"), "utf8"));
    const { keyId, spki } = parseSigningKey(second);
    next.keys.push(spki);
    next.roles.publisher[0].keys.push(keyId);
    next.roles.publisher[0].threshold = 2;
    world.folder.write("root-2.json", JSON.stringify(next));
    await steps("seal", world.at("root-2.json"), "-o", world.at("root.json"));
    await steps("sign", world.at("root.json"), "--key", world.at("log/keys/root.pem"));
    await steps("publish", world.at("root.dsse.json"), "--to", world.url());
  });

  it("is not met by the pipeline's key alone", async () => {
    const file = write("alone.toml", "2.0", SECOND);
    expect((await world.run(["release", file])).error).toMatch(/403.*not-authorised/);
    expect((await world.run(["release", file, "--dry-run"])).said).toMatch(/WOULD BE REFUSED/);
  });

  it("is met when the pipeline adds its signature to those that came back", async () => {
    const file = write("both.toml", "2.1", SECOND);
    expect((await world.run(["release", file, "--prepare", world.at("both")])).error).toBeNull();
    for (const table of tablesOf("both"))
      await world.run(["sign", world.at(`both/${table}.json`), "--key", world.at("log/keys/publisher.pem")]);
    const { said, error } = await world.run(["release", file, "--publish", world.at("both")]);
    expect(error).toBeNull();
    expect(said).toContain("4 entries added");
  });
});
