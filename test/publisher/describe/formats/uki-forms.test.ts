// UKIs in the forms that ukify and systemd-stub know and objcopy does not make: a signed kernel with room to unpack itself, command
// lines of several lines, and the sections that came with systemd 257 and 258.
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { predictEvents } from "../../../../src/publisher/describe/boot/tcg-prediction.ts";
import { withFile } from "../../../../src/publisher/describe/files/random-access.ts";
import { commandLineValues, readUki } from "../../../../src/publisher/describe/formats/uki.ts";
import { describeReal, realDataPath } from "../../../support/real-data.ts";
import { scratchFolder } from "../scratch-folder.ts";
import { authenticodeOf, makePe, type PeParts } from "./make-pe.ts";

const folder = scratchFolder();
const MiB = 1024 * 1024;
const COMMAND_LINE = "roothash=00ff quiet";
const read = (path: string) => withFile(path, "UKI", readUki);
let count = 0;
const uki = (...sections: PeParts["sections"]) =>
  read(folder.write(`uki-${count++}.efi`, makePe({ sections })));
const sha384 = (bytes: Uint8Array) => createHash("sha384").update(bytes).digest("hex");

const code = Buffer.alloc(1500, 0x90);
const unsigned = makePe({ sections: [[".text", code]] });
const signed = makePe({ sections: [[".text", code]], certificates: Buffer.alloc(1528, 7) });

describe("the kernel in .linux", () => {
  it.each([
    ["signed, of its own length, as ukify 256 writes it", signed, signed.length],
    ["signed, padded and with room, as ukify 257 writes it", signed, 3 * 4096],
    ["unsigned, padded and with room", unsigned, 3 * 4096],
    ["signed, with 17 MiB of room, as a large kernel asks for", signed, 17 * MiB],
  ])("has the Authenticode digest of the file that it was: %s", async (_form, kernel, virtualSize) => {
    const { kernelAuthenticode, sections } = await uki(
      [".cmdline", COMMAND_LINE],
      [".linux", kernel, virtualSize],
    );
    expect(kernelAuthenticode.sha384).toBe(authenticodeOf(kernel));
    const inMemory = Buffer.concat([kernel, new Uint8Array(virtualSize - kernel.length)]);
    expect(sections.find(({ name }) => name === ".linux")).toMatchObject({
      size: virtualSize,
      sha384: sha384(inMemory),
    });
  });

  it("is refused when anything but zeros pads it", async () => {
    const longer = Buffer.concat([signed, Uint8Array.of(0, 1)]);
    await expect(uki([".cmdline", COMMAND_LINE], [".linux", longer, 3 * 4096])).rejects.toThrow(
      /^kernel of .*data after the image that are not padding \(at byte \d+\)$/,
    );
  });

  it("is refused when its certificate table ends after it", async () => {
    const cut = signed.subarray(0, signed.length - 600);
    await expect(uki([".cmdline", COMMAND_LINE], [".linux", cut, 3 * 4096])).rejects.toThrow(
      /certificate table does not end/,
    );
  });

  it("is refused with more than 1 GiB of room, and every other section with more than 16 MiB", async () => {
    await expect(uki([".cmdline", COMMAND_LINE], [".linux", signed, 1025 * MiB])).rejects.toThrow(
      /section \.linux has \d+ bytes that are not in the file/,
    );
    await expect(
      uki([".cmdline", COMMAND_LINE], [".linux", signed, 3 * 4096], [".initrd", "x", 17 * MiB]),
    ).rejects.toThrow(/section \.initrd has \d+ bytes that are not in the file/);
  });
});

describe("a command line", () => {
  const commandLineOf = async (text: string) =>
    (await uki([".cmdline", text], [".linux", unsigned])).commandLine;

  it.each([
    ["two lines", "roothash=00ff ro\nconsole=ttyS0\n", "roothash=00ff ro console=ttyS0"],
    ["CRLF, tabs and DEL", "\t a\r\nb\tc\u007fd\u0001", "a  b c d"],
    ["NULs at its end", "a b\0\0\0", "a b"],
    ["a byte order mark", "\ufeffa b", "\ufeffa b"],
    ["no-break spaces", "\u00a0a\u00a0b\u00a0", "\u00a0a\u00a0b\u00a0"],
    ["a line separator", "a b\u2028", "a b\u2028"],
  ])("is what systemd-stub hands to the kernel: %s", async (_form, written, handedOver) => {
    expect(await commandLineOf(written)).toBe(handedOver);
  });

  it("has words that end at spaces, as the kernel and the initrd agree", () => {
    const text = "a=1\u00a0roothash=no roothash=yes\ufefflockdown=no";
    expect(commandLineValues(text, "roothash")).toEqual(["yes\ufefflockdown=no"]);
    expect(commandLineValues(text, "lockdown")).toEqual([]);
  });

  it.each([
    ["text after a NUL, which the stub does not see", "a=1\0b=2", /text after a NUL/],
    ["a character that the stub leaves out", "a=\u{1f5ff}", /beyond U\+FFFF/],
    ["nothing but white space", " \n\t\0", /is empty/],
    ["bytes that are no UTF-8", Buffer.from("a=\xff", "latin1"), /^UKI .*the command line is not UTF-8/],
  ])("is refused with %s", async (_what, written, message) => {
    await expect(uki([".cmdline", written], [".linux", unsigned])).rejects.toThrow(message);
  });
});

describe("the sections of systemd 257 and newer", () => {
  it("are predicted after .pcrpkey: name and content of .profile, .dtbauto, .hwids and .efifw", async () => {
    const image = await uki(
      [".efifw", "firmware"],
      [".hwids", "ids"],
      [".dtbauto", "tree"],
      [".profile", "ID=main\n"],
      [".pcrsig", "never measured"],
      [".pcrpkey", "key"],
      [".cmdline", COMMAND_LINE],
      [".linux", unsigned],
    );
    const rtmr2 = predictEvents(image, undefined).filter(({ register }) => register === "rtmr2");
    const names = rtmr2.map(({ formula }) => /^name of section (\S+)$/.exec(formula)?.[1]);
    expect(names.filter((name) => name !== undefined)).toEqual([
      ".linux",
      ".cmdline",
      ".pcrpkey",
      ".profile",
      ".dtbauto",
      ".hwids",
      ".efifw",
    ]);
    for (const [name, content] of Object.entries({ ".profile": "ID=main\n", ".efifw": "firmware" })) {
      const digests = rtmr2.filter(({ formula }) => formula.endsWith(` ${name}`));
      expect(digests.map(({ digest }) => digest)).toEqual([
        sha384(Buffer.from(`${name}\0`)),
        sha384(Buffer.from(content)),
      ]);
    }
  });

  it("are predicted each where .dtbauto is there for several machines", async () => {
    const image = await uki(
      [".cmdline", COMMAND_LINE],
      [".dtbauto", "one"],
      [".dtbauto", "two"],
      [".linux", unsigned],
    );
    const contents = predictEvents(image, undefined).filter(({ formula }) =>
      formula.endsWith("content of .dtbauto"),
    );
    expect(contents.map(({ digest }) => digest)).toEqual(["one", "two"].map((c) => sha384(Buffer.from(c))));
  });

  it("are refused with several profiles, of which the boot chooses one", async () => {
    await expect(
      uki([".cmdline", COMMAND_LINE], [".linux", unsigned], [".profile", "ID=a"], [".profile", "ID=b"]),
    ).rejects.toThrow(/2 profiles, of which the boot chooses one: build one UKI for each/);
  });
});

describeReal("small UKIs from elsewhere", () => {
  const readCase = (name: string) => read(realDataPath(`evidence/cases/${name}/guest.efi`));

  it("uki-257-signed-kernel: the kernel's digest is that of its own file", async () => {
    expect((await readCase("uki-257-signed-kernel")).kernelAuthenticode.sha256).toMatch(/^dfe451782677/);
  });

  it("uki-command-line-two-lines: read as one line", async () => {
    const { commandLine } = await readCase("uki-command-line-two-lines");
    expect(commandLine).toBe(`roothash=${"ab".repeat(32)} ro quiet console=ttyS0`);
  });

  it("uki-profile: name and content of .profile are predicted", async () => {
    const predicted = predictEvents(await readCase("uki-profile"), undefined);
    expect(predicted.filter(({ formula }) => formula.endsWith(" .profile"))).toHaveLength(2);
  });
});
