// A whole guest image, made with Debian's tools in the test run and described: what is read, what is computed, and what happens
// where the parts do not belong together.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha384 } from "../../../src/protocol/cryptography/hash.ts";
import { concatBytes } from "../../../src/protocol/encoding/bytes.ts";
import { decodeHex, encodeHex } from "../../../src/protocol/encoding/hex.ts";
import type { OsImage } from "../../../src/protocol/entry/kinds/os-image.ts";
import { parseStatement } from "../../../src/protocol/envelope/statement.ts";
import { checkContents } from "../../../src/publisher/describe/image-contents.ts";
import { describeOsImage, type OsImageInput } from "../../../src/publisher/describe/os-image.ts";
import {
  type MeasuredEvent,
  makeCcel,
  makeDstackLog,
  measured,
  replayEvents,
} from "../../../src/testing/event-log.ts";
import {
  EV_EFI_ACTION,
  EV_EFI_BOOT_SERVICES_APPLICATION,
  EV_EFI_GPT_EVENT,
  EV_EVENT_TAG,
  EV_IPL,
  EV_SEPARATOR,
} from "../../../src/verifier/tdx/event-type.ts";
import { sha256Of } from "../../support/release-predicates.ts";
import { buildUki, haveStub, KERNEL, makeSigner } from "./formats/build-uki.ts";
import { makeEspDisk, makeFat } from "./formats/fat-image.ts";
import { makeGptDisk, sealGpt } from "./formats/gpt-disk.ts";
import { MODULE, RELEASE, writeDriverBuild, writeKernelPatchSet } from "./release-statements.ts";
import { describeWithTool } from "./with-tool.ts";

const MODULE_OF_BUILD = {
  fileName: "nvidia.ko",
  sha256: sha256Of(MODULE),
  size: MODULE.length,
  uncompressedSha256: sha256Of(MODULE),
  version: null,
  srcversion: null,
  vermagic: "6.1",
  depends: [],
  signer: null,
};
const TOOLS = [
  "mkfs.erofs",
  "fsck.erofs",
  "veritysetup",
  "objcopy",
  "openssl",
  "cert-to-efi-sig-list",
  "pesign",
];

describe.skipIf(!haveStub)(`os-image${haveStub ? "" : " (skipped: systemd-boot-efi not installed)"}`, () => {
  describeWithTool(TOOLS, "made of files", () => {
    let folder: string;
    let input: OsImageInput;
    let rootHash: string;
    let events: MeasuredEvent[];
    const at = (name: string) => join(folder, name);
    const run = (tool: string, ...args: string[]) => execFileSync(tool, args, { stdio: "pipe" }).toString();

    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), "touchstone-image-"));
      mkdirSync(at("root/modules"), { recursive: true });
      writeFileSync(at("root/modules/nvidia.ko"), MODULE);
      writeFileSync(at("root/gsp_ga10x.bin"), "firmware");
      writeFileSync(at("gsp_ga10x.bin"), "firmware");
      for (let i = 0; i < 300; i++) writeFileSync(at(`root/file-${i}`), `${i} `.repeat(i * 10));
      run(
        "mkfs.erofs",
        "-T1767225600",
        "-U11111111-2222-4333-8444-555555555555",
        at("root.erofs"),
        at("root"),
      );
      rootHash = format("root.erofs", "root.verity");
      const commandLine = `console=ttyS0 lockdown=confidentiality systemd.verity_root_hash=${rootHash}`;
      const uki = buildUki(folder, "guest.efi", {
        ".osrel": "ID=example\n",
        ".cmdline": commandLine,
        ".uname": "6.1",
        ".initrd": "initrd",
      });
      const { certificate } = makeSigner(folder, "Vendor");
      run("cert-to-efi-sig-list", certificate, at("PK.esl"));
      writeFileSync(at("disk.img"), makeGptDisk());
      events = bootOf(uki, commandLine);
      writeFileSync(at("ccel.bin"), makeCcel(events));
      input = {
        release: { ...RELEASE, name: "example/guest", sourceCommit: "12".repeat(20) },
        rootfs: {
          image: at("root.erofs"),
          verity: at("root.verity"),
          mkfsArguments: ["-T1767225600"],
          sourceDateEpoch: 1767225600,
        },
        uki,
        secureBoot: { pk: at("PK.esl") },
        moduleCertificates: [certificate],
        kernelPatchSet: writeKernelPatchSet(at("kernel.json")),
        driverBuild: writeDriverBuild(at("driver.json")),
        boots: [{ path: "uki-disk", layout: "edk2-202411" }],
        eventLog: at("ccel.bin"),
        disk: at("disk.img"),
        removedFromTcb: { packages: ["openssh-server"], daemons: ["sshd"], kernelModules: ["usb_storage"] },
      };
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    function format(data: string, tree: string, ...options: string[]): string {
      return /Root hash:\s*([0-9a-f]+)/.exec(
        run("veritysetup", "format", at(data), at(tree), ...options),
      )![1]!;
    }

    /** What a boot of the UKI from the test's disk extends. */
    function bootOf(uki: string, commandLine: string): MeasuredEvent[] {
      const pe = (path: string): MeasuredEvent => ({
        register: 1,
        type: EV_EFI_BOOT_SERVICES_APPLICATION,
        data: new Uint8Array(32),
        digest: authenticodeSha384(path),
      });
      const section = (name: string, content: Uint8Array): MeasuredEvent[] => [
        measured(2, EV_IPL, Buffer.from(`${name}\0`)),
        { register: 2, type: EV_IPL, data: Buffer.from(`${name}\0`, "utf16le"), digest: sha384(content) },
      ];
      const disk = makeGptDisk();
      const used = concatBytes(
        disk.subarray(512, 604),
        Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0),
        disk.subarray(1024, 1152),
        disk.subarray(1280, 1408),
      );
      const tagged = Buffer.concat([Buffer.alloc(8), Buffer.from("LOADED_IMAGE::LoadOptions\0")]);
      return [
        measured(0, EV_SEPARATOR, new Uint8Array(4)),
        measured(1, EV_EFI_ACTION, Buffer.from("Calling EFI Application from Boot Option")),
        measured(1, EV_SEPARATOR, new Uint8Array(4)),
        measured(1, EV_EFI_GPT_EVENT, used),
        pe(uki),
        ...section(".linux", readFileSync(KERNEL)),
        ...section(".osrel", Buffer.from("ID=example\n")),
        ...section(".cmdline", Buffer.from(commandLine)),
        ...section(".initrd", Buffer.from("initrd")),
        pe(KERNEL),
        {
          register: 2,
          type: EV_EVENT_TAG,
          data: tagged,
          digest: sha384(Buffer.from(`${commandLine}\0`, "utf16le")),
        },
        {
          register: 2,
          type: EV_EVENT_TAG,
          data: tagged,
          digest: sha384(Buffer.from("initrd\0\0")),
        },
        measured(1, EV_EFI_ACTION, Buffer.from("Exit Boot Services Invocation")),
        measured(1, EV_EFI_ACTION, Buffer.from("Exit Boot Services Returned with Success")),
      ];
    }

    const sha256 = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");
    const predicateOf = async (change: Partial<OsImageInput> = {}) =>
      parseStatement((await describeOsImage({ ...input, ...change })).payload).predicate as OsImage;

    it("states what the tools state", async () => {
      const image = await predicateOf();
      expect(image.rootfs).toMatchObject({
        sha256: sha256(at("root.erofs")),
        blockSize: 4096,
        uuid: "11111111-2222-4333-8444-555555555555",
        buildTime: "2026-01-01T00:00:00Z",
        sourceDateEpoch: 1767225600,
      });
      const dump = run("veritysetup", "dump", at("root.verity"));
      const field = (label: string) => new RegExp(`${label}:\\s*(\\S+)`).exec(dump)?.[1];
      expect(image.verity).toEqual({
        rootHash,
        algorithm: field("Hash algorithm"),
        salt: field("Salt"),
        hashType: Number(field("Hash type")),
        dataBlockSize: Number(field("Data block size")),
        hashBlockSize: Number(field("Hash block size")),
        dataBlocks: Number(field("Data blocks")),
        uuid: field("UUID"),
      });
      expect(image.uki.sha256).toBe(sha256(input.uki));
      expect(run("pesign", "-h", "-i", input.uki)).toContain(image.uki.authenticode.sha256);
      expect(image.commandLine.measuredAs).toBe(
        encodeHex(sha384(Buffer.from(`${image.commandLine.text}\0`, "utf16le"))),
      );
      expect(image).toMatchObject({
        lockdown: "confidentiality",
        moduleSigning: { enforced: true },
        secureBoot: { enabled: true, kek: null, db: null, dbx: null },
      });
      expect(image.kernelPatchSet).toEqual({
        kind: "kernel-patch-set",
        name: RELEASE.name,
        version: RELEASE.version,
        digest: sha256(input.kernelPatchSet),
      });
    });

    it("takes RTMR1 and RTMR2 from the log where nothing computes them, and explains all that it can", async () => {
      const [measurements] = (await predicateOf()).measurements;
      const [, rtmr1, rtmr2] = replayEvents(events);
      expect(measurements).toMatchObject({
        rtmr1: encodeHex(rtmr1),
        rtmr2: encodeHex(rtmr2),
        derivation: "observed",
      });
      const listed = measurements!.events!;
      for (const register of ["rtmr1", "rtmr2"] as const) {
        const digests = listed
          .filter((event) => event.register === register)
          .map(({ digest }) => decodeHex(digest));
        const replayed = digests.reduce(
          (value, digest) => sha384(concatBytes(value, digest)),
          new Uint8Array(48),
        );
        expect(encodeHex(replayed), "the listed events replay to the register").toBe(measurements![register]);
      }
      expect(listed.filter(({ source }) => source === "given").map(({ type }) => type)).toEqual([
        "EV_EVENT_TAG",
      ]);
      expect(listed.map(({ formula }) => formula)).toEqual(
        expect.arrayContaining([
          "disk: GPT",
          "guest.efi: Authenticode",
          "guest.efi .linux: Authenticode",
          "guest.efi: content of .initrd",
          "load options: guest.efi .cmdline, UTF-16LE with NUL",
        ]),
      );
    });

    describe("that holds what its entries say", () => {
      it("says where each file of the driver build and the firmware is", async () => {
        const { contents } = await predicateOf({ gspFirmware: [at("gsp_ga10x.bin")] });
        expect(contents?.files).toEqual([
          { role: "module", path: "/modules/nvidia.ko", sha256: sha256(at("root/modules/nvidia.ko")) },
          { role: "firmware", path: "/gsp_ga10x.bin", sha256: sha256(at("gsp_ga10x.bin")) },
        ]);
      });

      /** The contents of an image in which the driver was changed so. */
      const imageWith = (name: string, change: (root: string) => void) => {
        cpSync(at("root"), at(name), { recursive: true });
        change(at(name));
        run("mkfs.erofs", at(`${name}.erofs`), at(name));
        const driver = { modules: [MODULE_OF_BUILD], libraries: [] };
        return checkContents(at(`${name}.erofs`), driver, []);
      };

      it("is refused with another module, without it, or with a second one that differs", async () => {
        const other = (root: string) => writeFileSync(join(root, "modules/nvidia.ko"), "another module");
        await expect(imageWith("other", other)).rejects.toThrow(
          /other\.erofs holds another module \/modules\/nvidia\.ko/,
        );
        const none = (root: string) => rmSync(join(root, "modules/nvidia.ko"));
        await expect(imageWith("none", none)).rejects.toThrow(/holds no module nvidia\.ko/);
        const second = (root: string) => writeFileSync(join(root, "nvidia.ko"), "another module");
        await expect(imageWith("second", second)).rejects.toThrow(/another module \/nvidia\.ko/);
      });

      it("may hold the module packed", async () => {
        const pack = (root: string) => {
          writeFileSync(join(root, "modules/nvidia.ko.gz"), gzipSync(MODULE));
          rmSync(join(root, "modules/nvidia.ko"));
        };
        expect((await imageWith("packed", pack))?.files).toMatchObject([{ path: "/modules/nvidia.ko.gz" }]);
      });
    });

    describe("whose boots are computed", () => {
      const computed = (change: Partial<OsImageInput> = {}) => {
        const { eventLog: _, ...rest } = { ...input, secureBoot: {} };
        return describeOsImage({ ...rest, ...change }).then(
          ({ payload }) => (parseStatement(payload).predicate as OsImage).measurements,
        );
      };

      it("states each of them without any log", async () => {
        const boots = [
          { path: "uki-kernel", layout: "edk2-202411" },
          { path: "uki-disk", layout: "edk2-202411" },
          { path: "uki-kernel", layout: "edk2-before-202411" },
        ] as const;
        const rows = await computed({ boots });
        expect(rows.map(({ bootPath, layout }) => ({ path: bootPath, layout }))).toEqual(boots);
        expect(new Set(rows.map(({ rtmr1 }) => rtmr1)).size, "each starts in its own way").toBe(3);
        expect(new Set(rows.map(({ rtmr2 }) => rtmr2)).size, "and runs the same").toBe(1);
        for (const { derivation, events: listed } of rows) {
          expect(derivation).toBe("computed");
          expect(listed!.every(({ source }) => source === "file" || source === "constant")).toBe(true);
        }
      });

      it("holds a known-good log against them", async () => {
        const [row] = await computed({ eventLog: input.eventLog! });
        expect(row).toMatchObject({ derivation: "computed" });
        expect(row!.from).toMatch(/^computed from guest\.efi and its disk; agrees with the ccel event log/);
        expect(row!.from).toMatch(/; the boot file on the disk was not checked$/);
        const [, rtmr1, rtmr2] = replayEvents(events).map(encodeHex);
        expect(row).toMatchObject({ rtmr1, rtmr2 });
      });

      it("refuses a log of a boot with a command line from outside, and says what that usually is", async () => {
        const options = events.findIndex(({ type }) => type === EV_EVENT_TAG);
        const evil = { ...events[options]!, digest: sha384(Buffer.from("evil=1\0", "utf16le")) };
        const changed = events.with(options, evil);
        writeFileSync(at("evil.ccel"), makeCcel(changed));
        await expect(computed({ eventLog: at("evil.ccel") })).rejects.toThrow(
          /RTMR2, event 8: EV_EVENT_TAG, load options: .* a command line from outside \(-append\)/,
        );
      });

      it("refuses a disk that starts another file, with a log or without", async () => {
        const tree = { EFI: { BOOT: { "BOOTX64.EFI": readFileSync(KERNEL) } } };
        const disk = at("other-boot-file.img");
        writeFileSync(disk, makeEspDisk(makeFat(16, tree)));
        const { eventLog: _, ...noLog } = input;
        for (const given of [input, noLog])
          await expect(describeOsImage({ ...given, disk })).rejects.toMatchObject({ code: "boot-file" });
      });

      it("needs the disk of a boot from a disk", async () => {
        const { disk: _, ...rest } = input;
        const { eventLog: __, ...neither } = rest;
        await expect(describeOsImage({ ...neither, secureBoot: {} })).rejects.toThrow(/give --disk/);
      });
    });

    it("is byte for byte the same when run again, and from files elsewhere, and names no folder", async () => {
      const first = await describeOsImage(input);
      expect(await describeOsImage(input)).toEqual(first);
      mkdirSync(at("elsewhere"));
      const moved = (path: string) => {
        const name = path.slice(folder.length + 1);
        writeFileSync(at(`elsewhere/${name}`), readFileSync(path));
        return at(`elsewhere/${name}`);
      };
      const again = await describeOsImage({
        ...input,
        uki: moved(input.uki),
        rootfs: { ...input.rootfs, image: moved(input.rootfs.image) },
      });
      expect(again).toEqual(first);
      expect(Buffer.from(first.payload).toString()).not.toContain(tmpdir());
    });

    it("finds a tree that is appended to the image", async () => {
      const image = readFileSync(at("root.erofs"));
      writeFileSync(at("appended.erofs"), image);
      const appended = format(
        "appended.erofs",
        "appended.erofs",
        `--hash-offset=${image.length}`,
        "--salt=ab",
        `--data-blocks=${image.length / 4096}`,
      );
      const uki = buildUki(folder, "appended.efi", { ".cmdline": `roothash=${appended}` });
      writeFileSync(at("appended.ccel"), makeCcel(bootOf(uki, "")));
      const { verity } = await predicateOf({
        uki,
        eventLog: at("appended.ccel"),
        rootfs: { image: at("appended.erofs"), mkfsArguments: [] },
      });
      expect(verity).toMatchObject({ rootHash: appended, salt: "ab" });
      await expect(predicateOf({ rootfs: { image: at("root.erofs"), mkfsArguments: [] } })).rejects.toThrow(
        /no dm-verity superblock follows the file system/,
      );
    });

    it("attaches events that are too many to list, and reads dstack's log", async () => {
      const many = [
        ...events,
        ...[...Array(200).keys()].map((i) => measured(2, EV_IPL, Buffer.from(`event ${i}`))),
      ];
      writeFileSync(at("dstack.json"), makeDstackLog(many));
      const { payload, attachments } = await describeOsImage({ ...input, eventLog: at("dstack.json") });
      const [row] = (parseStatement(payload).predicate as OsImage).measurements;
      expect(row!.events).toBeNull();
      expect(row!.attachment).toEqual(attachments[0]!.reference);
      expect(JSON.parse(Buffer.from(attachments[0]!.bytes).toString())).toHaveLength(many.length - 1);
    });

    const describeWith = (commandLine: string, name = "other.efi") => {
      const uki = buildUki(folder, name, { ".cmdline": commandLine });
      writeFileSync(at(`${name}.ccel`), makeCcel(bootOf(uki, commandLine)));
      return predicateOf({ uki, eventLog: at(`${name}.ccel`) });
    };

    it("refuses a command line without the root hash, with another one, or with two that differ", async () => {
      const other = "ab".repeat(32);
      await expect(describeWith("console=ttyS0")).rejects.toThrow(
        /has no roothash= or systemd\.verity_root_hash=/,
      );
      await expect(describeWith(`x=roothash=${rootHash}`)).rejects.toThrow(/has no roothash=/);
      await expect(describeWith(`roothash=${other}`)).rejects.toThrow(
        `names root hash ${other}, the data have ${rootHash}`,
      );
      await expect(describeWith(`roothash=${rootHash} roothash=${other}`)).rejects.toThrow(
        `names root hash ${other}`,
      );
      await expect(describeWith(`roothash="${rootHash}"`)).resolves.toMatchObject({
        lockdown: "none",
        moduleSigning: { enforced: false },
      });
    });

    it("reads lockdown and module signing from command line and configuration, the stricter of both", async () => {
      const config = (text: string) => {
        writeFileSync(at("config"), text);
        return predicateOf({ kernelConfig: at("config") });
      };
      expect(
        await config("CONFIG_SECURITY_LOCKDOWN_LSM=y\nCONFIG_LOCK_DOWN_KERNEL_FORCE_INTEGRITY=y\n"),
      ).toMatchObject({ lockdown: "confidentiality" });
      expect(await config("# CONFIG_SECURITY_LOCKDOWN_LSM is not set\n")).toMatchObject({
        lockdown: "none",
        moduleSigning: { enforced: false },
      });
      expect(await config("CONFIG_MODULE_SIG_FORCE=y\n")).toMatchObject({
        lockdown: "none",
        moduleSigning: { enforced: true },
      });
      expect(await describeWith(`module.sig_enforce roothash=${rootHash}`)).toMatchObject({
        moduleSigning: { enforced: true },
      });
      expect(await describeWith(`module.sig_enforce=0 roothash=${rootHash}`)).toMatchObject({
        moduleSigning: { enforced: false },
      });
    });

    it("refuses the log of another image's boot", async () => {
      const log = at("other-boot.ccel");
      writeFileSync(log, makeCcel(events.filter(({ type }) => type !== EV_EFI_BOOT_SERVICES_APPLICATION)));
      await expect(predicateOf({ eventLog: log })).rejects.toThrow(/another image was booted/);
    });

    it("refuses a log without any event of RTMR2, rather than state zeros", async () => {
      const log = at("without-rtmr2.ccel");
      writeFileSync(log, makeCcel(events.filter(({ register }) => register !== 2)));
      await expect(predicateOf({ eventLog: log })).rejects.toThrow(/no event of RTMR2, so what it holds/);
    });

    it("refuses the log of a boot with other Secure Boot variables", async () => {
      const boot = async (
        variables: Record<"SecureBoot" | "PK" | "KEK" | "db" | "dbx", Uint8Array>,
        change = {},
      ) => {
        const measuredVariables = Object.entries(variables).map(([name, data]) => {
          const vendor = name.startsWith("d")
            ? "cbb219d73a3d9645a3bcdad00e67656f"
            : "61dfe48bca93d211aa0d00e098032b8c";
          const lengths = Buffer.alloc(16);
          lengths.writeUInt32LE(name.length, 0);
          lengths.writeUInt32LE(data.length, 8);
          return measured(
            0,
            0x80000001,
            concatBytes(decodeHex(vendor), lengths, Buffer.from(name, "utf16le"), data),
          );
        });
        writeFileSync(at("variables.ccel"), makeCcel([...measuredVariables, ...events]));
        return await predicateOf({ eventLog: at("variables.ccel"), ...change });
      };
      const none = new Uint8Array();
      const [on, off] = [Uint8Array.of(1), Uint8Array.of(0)];
      const list = new Uint8Array(readFileSync(at("PK.esl")));
      const good = { SecureBoot: on, PK: list, KEK: none, db: none, dbx: none };
      await expect(boot(good)).resolves.toMatchObject({ secureBoot: { enabled: true } });
      await expect(boot({ ...good, SecureBoot: off })).rejects.toThrow(
        /Secure Boot was off, but a PK is given/,
      );
      await expect(boot(good, { secureBoot: {} })).rejects.toThrow(
        /Secure Boot was on: give the file of its PK/,
      );
      await expect(boot({ ...good, PK: list.slice(0, -1) })).rejects.toThrow(
        /PK was measured with other content than that of its file/,
      );
      await expect(boot({ ...good, dbx: list })).rejects.toThrow(
        /dbx was measured with other content than none/,
      );
      const setup = { SecureBoot: off, PK: none, KEK: none, db: none, dbx: none };
      await expect(boot(setup, { secureBoot: {} })).resolves.toMatchObject({
        secureBoot: { enabled: false },
      });
      await expect(boot({ ...setup, SecureBoot: none }, { secureBoot: {} })).resolves.toMatchObject({
        secureBoot: { enabled: false },
      });
    });

    it("refuses a tree that covers less than the file system, and an image of another time", async () => {
      format("root.erofs", "short.verity", "--data-blocks=3");
      const rootfs = { ...input.rootfs, verity: at("short.verity") };
      await expect(predicateOf({ rootfs })).rejects.toThrow(
        /the tree covers 12288 bytes, the file system has \d+/,
      );
      await expect(predicateOf({ rootfs: { ...input.rootfs, sourceDateEpoch: 1 } })).rejects.toThrow(
        /was built at 1767225600, not at 1/,
      );
    });

    it("refuses statements of the wrong kind, certificates that are none, and tables that are none", async () => {
      await expect(predicateOf({ kernelPatchSet: input.driverBuild })).rejects.toThrow(
        /is of kind driver-build, expected kernel-patch-set/,
      );
      await expect(predicateOf({ moduleCertificates: [input.uki] })).rejects.toThrow(
        /^certificate .*guest\.efi/,
      );
      writeFileSync(at("no-certificate"), "no certificate");
      await expect(predicateOf({ moduleCertificates: [at("no-certificate")] })).rejects.toThrow(
        /not an X\.509 certificate/,
      );
      for (const [offset, value, message] of [
        [512, 0, /no GPT signature/],
        [512 + 80, 0xffffffff, /4294967295 entries of 128 bytes/],
        [512 + 84, 1, /entries of 1 bytes/],
        [512 + 76, 0xffffffff, /the partition entries needs/],
      ] as const) {
        const disk = makeGptDisk();
        disk.writeUInt32LE(value, offset);
        writeFileSync(at("bad.img"), sealGpt(disk));
        await expect(predicateOf({ disk: at("bad.img") })).rejects.toThrow(message);
      }
    });
  });
});

/** The Authenticode rule on a file in memory without certificate table. */
function authenticodeSha384(path: string): Uint8Array {
  const bytes = readFileSync(path);
  const optionalHeader = bytes.readUInt32LE(60) + 24;
  return sha384(
    concatBytes(
      bytes.subarray(0, optionalHeader + 64),
      bytes.subarray(optionalHeader + 68, optionalHeader + 144),
      bytes.subarray(optionalHeader + 152),
    ),
  );
}
