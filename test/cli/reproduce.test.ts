// A third party builds a release again: every field that follows from files is computed from its own, and the entry is one that the log proves.
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { parseEnvelope } from "../../src/protocol/envelope/dsse.ts";
import { compareFields, resultOf } from "../../src/publisher/rebuild/compare-fields.ts";
import { releaseToml, smallWorld } from "../publisher/release/small-release.ts";

const world = smallWorld();
const reproduce = (reference: string, ...options: string[]) =>
  world.run([
    "reproduce",
    reference,
    "--to",
    world.url(),
    "--trust",
    world.at("log/trust-root.json"),
    ...options,
  ]);

describe("touchstone reproduce", () => {
  beforeAll(async () => {
    const keys = `publisher = "log/keys/publisher.pem"`;
    world.folder.write("first.toml", releaseToml({ version: "1.0", log: world.url(), keys }));
    expect((await world.run(["release", world.at("first.toml")])).error).toBeNull();
  });

  it("says of each field that it is equal, or that no file says it", async () => {
    const { said, error } = await reproduce("platform/acme/gold@1.0", "--firmware", world.at("OVMF.fd"));
    expect(error).toBeNull();
    expect(said).toMatch(
      /^platform\/acme\/gold@1\.0, entry \d+ of log\.example\/release at size \d+: equal$/m,
    );
    for (const field of ["firmware.sha384", "mrtd"])
      expect(said).toMatch(new RegExp(`^  equal +${field}$`, "m"));
    for (const field of ["rtmr0", "tdAttributes", "shape.vcpus"])
      expect(said).toMatch(new RegExp(`^  not reproducible +${field}$`, "m"));
  });

  it("refuses a rebuild with one byte changed, and says what is stated and what was found", async () => {
    const bytes = readFileSync(world.at("OVMF.fd"));
    bytes[5000]! ^= 1;
    const { said, error } = await reproduce(
      "platform/acme/gold@1.0",
      "--firmware",
      world.folder.write("other.fd", bytes),
    );
    expect(error).not.toBeNull();
    expect(said).toMatch(/: differs$/m);
    expect(said).toMatch(/^ {2}DIFFERS +mrtd\n +stated +"[0-9a-f]{96}"\n +found +"[0-9a-f]{96}"$/m);
  });

  it("compares modules and files by name, and one that is missing differs", async () => {
    const driver = await reproduce("driver-build/acme/gold@1.0", "--modules", world.at("modules"));
    expect(driver.said).toMatch(/^ {2}equal +modules\[nvidia\.ko\]$/m);
    expect(driver.error).toBeNull();
    const gsp = await reproduce("gsp-firmware/acme/gold@1.0", "--output-file", world.at("gsp_ga10x.bin"));
    expect(gsp.said).toMatch(/^ {2}equal +files\[gsp_ga10x\.bin\]$/m);
    const kernel = await reproduce("kernel-patch-set/acme/gold@1.0", "--output-file", world.at("config"));
    expect(kernel.said).toMatch(/DIFFERS +outputs\[vmlinuz\]\n.*\n +found +nothing/);
  });

  it("states the result as an entry that the log takes, also where something differs", async () => {
    const sign = (reference: string, output: string, ...files: string[]) =>
      reproduce(
        reference,
        ...files,
        ...[
          "--sign",
          world.at("log/keys/publisher.pem"),
          "--name",
          "rebuilder/gold",
          "--rebuild-version",
          output,
        ],
        ...["--rebuilder", "https://rebuild.example", "--source", "https://git.acme.example/gold"],
        ...["--tool", "gcc=14.2.0", "-o", world.at(`${output}.dsse.json`)],
      );
    expect(
      (await sign("platform/acme/gold@1.0", "equal", "--firmware", world.at("OVMF.fd"))).error,
    ).toBeNull();
    await sign("platform/acme/gold@1.0", "differs", "--firmware", world.at("other.fd"));
    for (const output of ["equal", "differs"]) {
      const { statement } = parseEnvelope(readFileSync(world.at(`${output}.dsse.json`)));
      expect(statement).toMatchObject({
        kind: "rebuild",
        predicate: { result: output, of: { kind: "platform", name: "acme/gold", version: "1.0" } },
      });
      const published = await world.run([
        "publish",
        world.at(`${output}.dsse.json`),
        ...["--to", world.url(), "--trust", world.at("log/trust-root.json")],
      ]);
      expect(published.error).toBeNull();
    }
    expect(
      (await reproduce("platform/acme/gold@1.0", "--firmware", world.at("OVMF.fd"), "--sign", "k")).error,
    ).toMatch(/--sign makes an entry: give --name/);
  });

  it("wants a file that says something of the entry, a known kind, and an entry that is there", async () => {
    const { error } = await reproduce("platform/acme/gold@1.0", "--uki", world.at("OVMF.fd"));
    expect(error).toMatch(/none of the files given says anything of a platform/);
    expect((await reproduce("nic/acme/gold@1.0")).error).toMatch(/nic is no kind of entry/);
    expect((await reproduce("platform/acme/gold@9.9")).error).toMatch(
      /the log has no platform\/acme\/gold@9\.9/,
    );
  });
});

describe("what is compared", () => {
  it("is equal only where something is equal and nothing differs", () => {
    const stated = { a: 1, b: { c: 2, d: 3 }, list: [{ fileName: "x", n: 1 }] };
    const outcomes = (rebuilt: Record<string, unknown>) =>
      Object.fromEntries(compareFields(stated, rebuilt).map(({ field, outcome }) => [field, outcome]));
    expect(outcomes({ b: { c: 2 } })).toEqual({
      a: "not-reproducible",
      "b.c": "equal",
      "b.d": "not-reproducible",
      "list[x]": "not-reproducible",
    });
    expect(outcomes({ list: [{ fileName: "y", n: 1 }] })).toMatchObject({
      "list[x]": "differs",
      "list[y]": "differs",
    });
    expect(resultOf(compareFields(stated, {}))).toBe("differs");
    expect(resultOf(compareFields(stated, { a: 1 }))).toBe("equal");
    expect(resultOf(compareFields(stated, { a: 1, b: { c: 9 } }))).toBe("differs");
  });
});
