// A kind that is added to the two lists, and nowhere else, can be described, released, signed, published and audited.
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it, vi } from "vitest";
import * as z from "zod";
import { DESCRIBERS } from "../../src/publisher/describe/kinds/list.ts";
import { draftPolicy } from "../../src/publisher/policy/draft-policy.ts";
import { parsePlan } from "../../src/publisher/release/plan.ts";
import { releaseToml, smallWorld } from "../publisher/release/small-release.ts";
import { readProject } from "../support/example-build.ts";

vi.mock("../../src/protocol/entry/kinds/list.ts", async (original) => {
  const { RELEASES } = await original<typeof import("../../src/protocol/entry/kinds/list.ts")>();
  const { nicFirmware } = await import("./nic-firmware.ts");
  return { RELEASES: [...RELEASES, nicFirmware] };
});
vi.mock("../../src/publisher/describe/kinds/list.ts", async (original) => {
  const { DESCRIBERS } = await original<typeof import("../../src/publisher/describe/kinds/list.ts")>();
  const { nicFirmwareDescriber } = await import("./nic-firmware-describer.ts");
  return { DESCRIBERS: [...DESCRIBERS, nicFirmwareDescriber] };
});

// What follows stands for `npm run generate`.
vi.mock("../../src/cli/describer-options.ts", async () => {
  const { DESCRIBERS } = await import("../../src/publisher/describe/kinds/list.ts");
  return { DESCRIBER_OPTIONS: DESCRIBERS.map((one) => ({ ...one, kind: one.kind.kind })) };
});
vi.mock("../../src/protocol/entry/kinds.shape.ts", async (original) => {
  const generated = await original<typeof import("../../src/protocol/entry/kinds.shape.ts")>();
  const { nicBlocks, nicFirmwareSchema } = await import("./nic-firmware.ts");
  const { shapeOf } = await import("../support/shape-of.ts");
  return {
    kind: shapeOf(z.enum([...Object.keys(generated.PREDICATES), "nic-firmware"])),
    PREDICATES: { ...generated.PREDICATES, "nic-firmware": shapeOf(nicFirmwareSchema) },
    ATTACHED: { ...generated.ATTACHED, "nic-firmware": shapeOf(nicBlocks) },
  };
});
vi.mock("../../src/protocol/entry/trust-root.shape.ts", async () => {
  const { trustRoot } = await import("../../src/protocol/entry/trust-root.schema.ts");
  const { shapeOf } = await import("../support/shape-of.ts");
  return { trustRoot: shapeOf(trustRoot) };
});

const world = smallWorld();
const KEYS = 'publisher = "log/keys/publisher.pem"';
const NIC = `
[artefacts.card]
kind = "nic-firmware"
firmware = "nic.bin"
driver = "linux"
blockSize = 16
`;

const jsonOf = (name: string) => JSON.parse(readFileSync(world.at(name), "utf8"));

async function audit() {
  const { said, error } = await world.run([
    "audit",
    world.url(),
    "--trust",
    world.at("log/trust-root.json"),
    "--json",
  ]);
  return { error, report: JSON.parse(said.slice(said.indexOf("{"))) };
}

describe("a made-up kind", () => {
  it("is released after what it refers to, and its attachment and digests are audited", async () => {
    world.folder.write("nic.bin", "the firmware of a network card, in four blocks");
    const toml = releaseToml({ version: "1.0", log: world.url(), keys: KEYS, more: NIC });
    const file = world.folder.write("release.toml", toml);
    expect((await world.run(["release", file])).error).toBeNull();
    const { entries } = parsePlan(new Uint8Array(readFileSync(world.at("release.d/plan.json"))));
    const tables = entries.map(({ table }) => table);
    expect(tables.indexOf("card")).toBeGreaterThan(tables.indexOf("linux"));
    const { driver } = jsonOf("release.d/card.json").predicate;
    expect(driver.digest).toBe(entries.find(({ table }) => table === "linux")?.digest);
    const { report } = await audit();
    expect(report).toMatchObject({ findings: [], attachmentsChecked: 1 });
  });

  it("is described by a command of its own, signed and published; what it states wrongly, an audit finds", async () => {
    const described = await world.run([
      ...["describe", "nic-firmware", "--name", "acme/nic", "--version", "2", "--channel", "stable"],
      ...["--svn", "1", "--builder", "https://ci.acme.example", "--source", "https://git.acme.example/nic"],
      ...["--firmware", world.at("nic.bin"), "--driver", world.at("release.d/linux.json")],
      ...["--block-size", "8", "-o", world.at("nic.json")],
    ]);
    expect(described).toMatchObject({ error: null });
    const statement = jsonOf("nic.json");
    statement.predicate.blocksDigest = "00".repeat(32);
    writeFileSync(world.at("nic.json"), JSON.stringify(statement));
    const key = world.at("log/keys/publisher.pem");
    expect((await world.run(["sign", world.at("nic.json"), "--key", key])).error).toBeNull();
    const published = await world.run(["publish", world.at("nic.dsse.json"), "--to", world.url()]);
    expect(published.error).toBeNull();
    const { report } = await audit();
    expect(report.findings).toMatchObject([{ code: "nic-blocks-differ" }]);
  });

  it("that policies do not name leaves every policy valid", () => {
    const place = {
      name: "p",
      origin: "log.example",
      previous: null,
      validFrom: "2026-01-01T00:00:00Z",
      expires: "2026-02-01T00:00:00Z",
    };
    expect(() => draftPolicy(place, JSON.parse(readProject("examples/release/policy.json")))).not.toThrow();
  });
});

describe("every describer", () => {
  it("has a table with a key for each reference of its kind", () => {
    for (const { kind, table } of DESCRIBERS) {
      const keys = Object.keys(table(z.string()));
      expect(keys).toEqual(expect.arrayContaining(Object.keys(kind.references)));
    }
  });
});
