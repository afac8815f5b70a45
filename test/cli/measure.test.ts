// `touchstone measure` on the command line: what it prints, what it compares with, and how it ends.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { makeCcel } from "../../src/testing/event-log.ts";
import { buildUki, haveStub } from "../publisher/describe/formats/build-uki.ts";
import { type Folder, makeEspDisk, makeFat } from "../publisher/describe/formats/fat-image.ts";
import { makeGptDisk } from "../publisher/describe/formats/gpt-disk.ts";
import { makeTdvf, SECTIONS } from "../publisher/describe/formats/make-tdvf.ts";
import { scratchFolder } from "../publisher/describe/scratch-folder.ts";
import { haveTool } from "../publisher/describe/with-tool.ts";
import { type CliRun, runCli } from "../support/run-cli.ts";

interface Register {
  readonly value: string | null;
  readonly reason: string | null;
  readonly events: readonly { readonly register: string; readonly digest: string; readonly source: string }[];
}
interface Measured {
  readonly bootPath: string;
  readonly layout: string;
  readonly rtmr0: Register;
  readonly rtmr1: Register;
  readonly rtmr2: Register;
}

const able = haveStub && haveTool("objcopy");
describe.skipIf(!able)(
  `touchstone measure${able ? "" : " (skipped: systemd-boot-efi or objcopy not installed)"}`,
  () => {
    const folder = scratchFolder();
    const uki = (commandLine: string, name = "guest.efi") =>
      buildUki(folder.path, name, { ".osrel": "ID=x\n", ".cmdline": commandLine, ".initrd": "initrd" });
    const measure = (...args: string[]): Promise<CliRun> => runCli(["measure", ...args]);
    const imageOf = (path: string) => [
      ...["--boot", "kernel", "--uki", path],
      ...["--layout", "edk2-202411", "--secure-boot", "off"],
    ];

    /** A log of what was computed of RTMR1 and RTMR2. */
    function logOf({ rtmr1, rtmr2 }: Measured, name: string): string {
      const events = [rtmr1, rtmr2].flatMap((register, i) =>
        register.events.map(({ digest }) => ({
          register: (i + 1) as 1 | 2,
          type: 13,
          data: new Uint8Array(1),
          digest: Uint8Array.from(Buffer.from(digest, "hex")),
        })),
      );
      return folder.write(name, makeCcel(events));
    }

    it("prints registers and the source of every event, and says why one is unknown", async () => {
      const run = await measure(...imageOf(uki("root=x")));
      expect(run.exitCode).toBe(0);
      expect(run.output).toMatch(/^boot by uki-kernel, layout edk2-202411\nmrtd +unknown: give --firmware$/m);
      expect(run.output).toMatch(/^rtmr0 +unknown: every event: give --firmware$/m);
      expect(run.output).toMatch(/^rtmr1 +[0-9a-f]{96}$/m);
      expect(run.output).toMatch(/^ +[0-9a-f]{16} +constant +EV_SEPARATOR: separator: four zero bytes$/m);
    });

    it("agrees with the log of such a boot, and names the first event of another that differs", async () => {
      // Once: a UKI that is built again in the next second has another time in its header.
      const image = imageOf(uki("root=x"));
      const measured = (await measure(...image, "--json")).json<Measured>();
      const log = logOf(measured, "boot.ccel");
      const good = await measure(...image, "--expect", log);
      expect(good.exitCode).toBe(0);
      expect(good.output).toMatch(/rtmr1 +equal +6 of 6 events computed, 0 unknown\n +rtmr2 +equal/);
      const other = await measure(...imageOf(uki("root=y", "other.efi")), "--expect", log);
      expect(other.exitCode).toBe(1);
      expect(other.output).toMatch(
        /RTMR1, event 0: EV_EFI_BOOT_SERVICES_APPLICATION, other\.efi: Authenticode: .*another image/,
      );
    });

    it("reads the same from a TOML file, whose words the command line overrides", async () => {
      uki("root=x");
      const file = folder.write(
        "boot.toml",
        'boot = "disk"\nuki = "guest.efi"\nlayout = "edk2-202411"\nsecureBoot = "off"\nmemory = "2G"\n',
      );
      const fromFile = (await measure(file, "--json")).json<Measured>();
      expect(fromFile.rtmr1.reason).toMatch(/the partition table: give --disk/);
      const overridden = (await measure(file, "--boot", "kernel", "--json")).json<Measured>();
      expect(overridden).toMatchObject({ bootPath: "uki-kernel", rtmr1: { reason: null } });
      folder.write("wrong.toml", 'boot = "kernel"\nukis = "guest.efi"\n');
      expect(await measure(`${folder.path}/wrong.toml`)).toMatchObject({ exitCode: 2 });
    });

    it("holds the boot file of a disk against the image, and says where it cannot", async () => {
      const image = uki("root=x");
      const esp = (file: string, more: Folder = {}) =>
        makeFat(16, { EFI: { BOOT: { "BOOTX64.EFI": readFileSync(file) } }, ...more });
      const from = (disk: Uint8Array, ...args: string[]) =>
        measure(...imageOf(image), "--boot", "disk", "--disk", folder.write("disk.img", disk), ...args);
      const good = await from(makeEspDisk(esp(image)));
      expect(good).toMatchObject({ exitCode: 0 });
      expect(good.output).toMatch(/^boot by uki-disk, .*\nboot file on the disk: the UKI, and no add-ons\n/);
      const unread = await from(makeGptDisk());
      expect(unread.output).toMatch(
        /^boot file on the disk: not checked, .*disk\.img has 0 EFI system partitions/m,
      );
      expect((await from(makeGptDisk(), "--json")).json()).toMatchObject({
        bootFile: { outcome: "not-checked" },
      });
      const other = await from(makeEspDisk(esp(uki("root=y", "other.efi"))));
      expect(other).toMatchObject({ exitCode: 1, output: "" });
      expect(other.warnings).toMatch(/an unknown boot file: .*BOOTX64\.EFI of .*disk\.img .*give as --uki/);
      const added = await from(
        makeEspDisk(esp(image, { loader: { addons: { "x.addon.efi": Buffer.alloc(1) } } })),
      );
      expect(added).toMatchObject({ exitCode: 1, output: "" });
      expect(added.warnings).toMatch(
        /add-ons are on the ESP of .*x\.addon\.efi: .*remove them from the disk/,
      );
    });

    it("refuses what nobody measures: neither way of starting, two images, no layout, firmware cut short", async () => {
      const image = uki("root=x");
      const firmware = folder.write("cut.fd", makeTdvf(SECTIONS).subarray(0, 900));
      const refusals: [string[], number, RegExp][] = [
        [["--uki", image], 2, /--boot kernel or --boot disk/],
        [["--boot", "kernel", "--uki", image, "--kernel", image], 2, /--uki or --kernel, not both/],
        [["--boot", "kernel", "--uki", image], 1, /the layout of the firmware's events is: give --layout/],
        [[...imageOf(image), "--firmware", firmware], 2, /TDX firmware .*cut\.fd: /],
        [[...imageOf(image), "--memory", "64X"], 2, /expected bytes, or a number with K, M, G or T/],
      ];
      for (const [args, exitCode, words] of refusals) {
        const run = await measure(...args);
        expect({ args, exitCode: run.exitCode }).toEqual({ args, exitCode });
        expect(run.warnings).toMatch(words);
      }
    });
  },
);
