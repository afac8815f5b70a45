// Artefacts that are more than one small file: a series that outgrows its entry, a statement from another job, and a whole image made
// with Debian's tools whose tables name each other.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { buildUki, haveStub } from "../describe/formats/build-uki.ts";
import { describeWithTool } from "../describe/with-tool.ts";
import { releaseToml, smallWorld } from "./small-release.ts";

const world = smallWorld();
const KEYS = 'publisher = "log/keys/publisher.pem"';
const toml = (version: string, more = "") => releaseToml({ version, log: world.url(), keys: KEYS, more });
const predicateOf = (path: string) => JSON.parse(readFileSync(world.at(path), "utf8")).predicate;

describe("a series that does not fit into its entry", () => {
  it("is attached, published with the entry, and served by the log", async () => {
    const names = Array.from({ length: 240 }, (_, i) => `${i}-${"long".repeat(20)}.patch`);
    world.folder.write("many/series", names.join("\n"));
    for (const name of names)
      world.folder.write(`many/${name}`, `Subject: ${name}\n\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+${name}\n`);
    const file = world.folder.write("many.toml", toml("1.0").replace('"patches"', '"many"'));
    expect((await world.run(["release", file])).error).toBeNull();
    const { count, inline, attachment } = predicateOf("many.d/linux.json").patches;
    expect({ count, inline }).toEqual({ count: 240, inline: null });
    const served = await fetch(`${world.url()}/v1/attachments/sha256/${attachment.digest}`);
    const bytes = Buffer.from(await served.arrayBuffer());
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(attachment.digest);
    expect(JSON.parse(bytes.toString())).toHaveLength(240);
  });

  it("travels with its statement to a release that takes it over", async () => {
    const taken = '\n[artefacts.linux]\nkind = "kernel-patch-set"\nstatement = "many.d/linux.json"\n';
    const text = toml("1.1").replace(/\[artefacts\.linux\][\s\S]*(?=\[artefacts\.vm\])/, taken);
    const file = world.folder.write("taken.toml", text);
    const { said, error } = await world.run(["release", file]);
    expect(error).toBeNull();
    expect(said).toMatch(/kernel-patch-set\/acme\/gold@1\.0: entry \d+ \(was in the log already\)/);
    expect(readdirSync(world.at("taken.d")).filter((name) => name.startsWith("sha256-"))).toHaveLength(1);
  });

  it("is refused without its attachment, or as another kind", async () => {
    world.folder.write("alone/linux.json", readFileSync(world.at("many.d/linux.json")));
    const from = (path: string, kind: string) =>
      world.folder.write(
        "refused.toml",
        toml("1.2", `\n[artefacts.other]\nkind = "${kind}"\nstatement = "${path}"\n`),
      );
    const lone = await world.run(["release", from("alone/linux.json", "kernel-patch-set")]);
    expect(lone.error).toMatch(/attachment .* is not beside it.*artefacts\.other\.statement/);
    const other = await world.run(["release", from("many.d/linux.json", "platform")]);
    expect(other.error).toMatch(/is a kernel-patch-set, not a platform.*artefacts\.other\.statement/);
  });
});

describe.skipIf(!haveStub)(`an image${haveStub ? "" : " (skipped: systemd-boot-efi not installed)"}`, () => {
  describeWithTool(["mkfs.erofs", "veritysetup", "objcopy"], "of files", () => {
    const IMAGE = `
[artefacts.guest]
kind = "os-image"
name = "acme/guest"
uki = "guest.efi"
kernelPatchSet = "linux"
driverBuild = "driver"
boots = ["uki-kernel:edk2-202411"]

[artefacts.guest.rootfs]
image = "root.erofs"
verity = "root.verity"
`;

    it("is released after the kernel and driver that its tables name, by their statements' digests", async () => {
      world.folder.write("root/file", "content");
      world.folder.write("root/nvidia.ko", readFileSync(world.at("modules/nvidia.ko")));
      execFileSync("mkfs.erofs", [world.at("root.erofs"), world.at("root")], { stdio: "pipe" });
      const format = ["format", world.at("root.erofs"), world.at("root.verity")];
      const rootHash = /Root hash:\s*(\w+)/.exec(
        execFileSync("veritysetup", format, { stdio: "pipe" }).toString(),
      )?.[1];
      buildUki(world.folder.path, "guest.efi", { ".cmdline": `systemd.verity_root_hash=${rootHash}` });
      const file = world.folder.write("image.toml", toml("2.0", IMAGE));
      expect((await world.run(["release", file])).error).toBeNull();
      const { kernelPatchSet, driverBuild, verity } = predicateOf("image.d/guest.json");
      const digestOf = (table: string) =>
        createHash("sha256")
          .update(readFileSync(world.at(`image.d/${table}.json`)))
          .digest("hex");
      expect([kernelPatchSet.digest, driverBuild.digest]).toEqual([digestOf("linux"), digestOf("driver")]);
      expect(verity.rootHash).toBe(rootHash);
    });

    it("with another root hash on its command line is refused before anything is published", async () => {
      const before = await world.size();
      buildUki(world.folder.path, "guest.efi", { ".cmdline": `systemd.verity_root_hash=${"0".repeat(64)}` });
      const { error } = await world.run(["release", world.folder.write("hash.toml", toml("2.1", IMAGE))]);
      expect(error).toMatch(/^artefacts\.guest\.uki: .*root hash/);
      expect(await world.size()).toBe(before);
    });
  });
});
