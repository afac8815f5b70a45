import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readPatchHeader } from "../../../../src/publisher/describe/patches/patch-header.ts";
import { parseSeries, readSeries } from "../../../../src/publisher/describe/patches/patch-series.ts";
import { describeReal, realDataPath } from "../../../support/real-data.ts";
import { malformedOf } from "../../../support/refusals.ts";
import { scratchFolder } from "../scratch-folder.ts";
import { describeWithTool } from "../with-tool.ts";

const folder = scratchFolder();
const DIFF = "--- a/stone\n+++ b/stone\n@@ -1 +1 @@\n-gold\n+brass\n";
let count = 0;

/** A series directory with these patches, and what is wrong with it made by `spoil`. */
function seriesOf(
  series: string,
  patches: readonly string[],
  spoil: (directory: string) => void = () => {},
): string {
  const name = `series-${count++}`;
  folder.write(`${name}/series`, series);
  for (const patch of patches) folder.write(`${name}/${patch}`, `${patch}\n${DIFF}`);
  const directory = `${folder.path}/${name}`;
  spoil(directory);
  return directory;
}
const refusal = (directory: string) => malformedOf(() => readSeries(directory));

const GOOD =
  "# kernel patches\n\nfix/b.patch -p1\n  a.patch -F0  # after b\nc+d~1.patch -p0\n\n#z.patch\nsub/dir/e.patch -pab\n";
const NAMES = ["fix/b.patch", "a.patch", "c+d~1.patch", "sub/dir/e.patch"];

describe("a quilt series", () => {
  it("gives its patches in the order of the list, without comments and options", async () => {
    const patches = await readSeries(seriesOf(GOOD, NAMES));
    expect(patches.map(({ fileName }) => fileName)).toEqual(NAMES);
    expect(new TextDecoder().decode(patches[1]?.bytes)).toBe(`a.patch\n${DIFF}`);
  });

  it("may say how many folders to strip and how exact the context is, in quilt's ways, and begin names with ./", async () => {
    const list =
      "./fix/b.patch -p1\na.patch -p 1\nc.patch -F0\nd.patch -F 0 -p0\n./e.patch -p 1 -F0 # last\n";
    const names = ["fix/b.patch", "a.patch", "c.patch", "d.patch", "e.patch"];
    const patches = await readSeries(seriesOf(list, names));
    expect(patches.map(({ fileName }) => fileName)).toEqual(names);
    const twice = await refusal(seriesOf("a.patch\n./a.patch\n", ["a.patch"]));
    expect(twice?.message).toMatch(/a\.patch is listed twice \(at line 2\)/);
  });

  it("is taken from another list when one is named", async () => {
    const directory = seriesOf("a.patch\nb.patch\n", ["a.patch", "b.patch"]);
    folder.write(`${directory.slice(folder.path.length + 1)}/series-rt`, "b.patch\n");
    const patches = await readSeries(directory, "series-rt");
    expect(patches.map(({ fileName }) => fileName)).toEqual(["b.patch"]);
  });

  it.each([
    ["climbs out of its directory", "../../etc/passwd"],
    ["climbs out by way of a folder", "fix/../../secret"],
    ["is absolute", "/etc/passwd"],
    ["has an element of one dot", "fix/./a.patch"],
    ["has a backslash", "..\\secret"],
    ["has a control character", "a\u0007.patch"],
    ["has an empty element", "fix//a.patch"],
    ["is a shell's work", "$(id).patch"],
    ["is compressed", "a.patch.gz"],
    ["is an unknown option's", "a.patch --directory=/"],
    ["is applied in reverse", "a.patch -R"],
    ["is applied in reverse, in words", "a.patch --reverse"],
    ["has an option without its value", "a.patch -p"],
    ["has a value that is no number", "a.patch -F x"],
    ["ignores white space", "a.patch -l"],
    ["climbs out behind a dot", "./../a.patch"],
    ["is 300 characters long", "a".repeat(300)],
  ])("is refused when a name %s", async (_why, line) => {
    const error = await refusal(seriesOf(`# one\n${line}\n`, ["a.patch"]));
    expect(error?.message).toContain(`${folder.path}/series-`);
    expect(error?.at).toBe("line 2");
  });

  it("is refused when a patch is listed twice, or is not there", async () => {
    expect((await refusal(seriesOf("a.patch\na.patch\n", ["a.patch"])))?.message).toMatch(
      /listed twice \(at line 2\)/,
    );
    expect((await refusal(seriesOf("a.patch\nb.patch\n", ["a.patch"])))?.message).toMatch(
      /b.patch does not exist \(at line 2\)/,
    );
  });

  it("is refused when a patch, a folder or the list itself is a symbolic link", async () => {
    const secret = folder.write("outside/secret", "root:x:0");
    const file = seriesOf("a.patch\n", [], (directory) => symlinkSync(secret, `${directory}/a.patch`));
    expect((await refusal(file))?.message).toMatch(/a.patch leads through a symbolic link/);
    const dir = seriesOf("fix/secret\n", [], (directory) =>
      symlinkSync(`${folder.path}/outside`, `${directory}/fix`),
    );
    expect((await refusal(dir))?.message).toMatch(/fix\/secret leads through a symbolic link/);
    const dangling = seriesOf("a.patch\n", [], (directory) => symlinkSync("nowhere", `${directory}/a.patch`));
    expect((await refusal(dangling))?.message).toMatch(/leads through a symbolic link/);
    const list = `${folder.path}/linked-list`;
    mkdirSync(list);
    symlinkSync(secret, `${list}/series`);
    expect((await refusal(list))?.message).toMatch(/series leads through a symbolic link/);
  });

  it("may itself be reached through a symbolic link: who runs the command chose that", async () => {
    const directory = seriesOf("a.patch\n", ["a.patch"]);
    symlinkSync(directory, `${folder.path}/alias`);
    expect(await readSeries(`${folder.path}/alias`)).toHaveLength(1);
  });

  it("is refused when a patch is a folder, or too large", async () => {
    const asFolder = seriesOf("a.patch\n", [], (directory) => mkdirSync(`${directory}/a.patch`));
    expect((await refusal(asFolder))?.message).toMatch(/not a regular file/);
    const large = seriesOf("a.patch\n", []);
    folder.write(`${large.slice(folder.path.length + 1)}/a.patch`, new Uint8Array(16 * 1024 * 1024 + 1));
    expect((await refusal(large))?.message).toMatch(/at most 16777216 are read/);
  });

  it("is refused with more than 10,000 patches", async () => {
    const list = Array.from({ length: 10_001 }, (_, i) => `${i}.patch`).join("\n");
    const error = await malformedOf(() => parseSeries(list, "series"));
    expect(error?.message).toMatch(/more than 10000 patches \(at line 10001\)/);
  });
});

describe("a file of a series", () => {
  const MAIL =
    "From 0123456789abcdef0123456789abcdef01234567 Mon Sep 17 00:00:00 2001\nFrom: A <a@example.org>\n";
  const mail = (subject: string) => `${MAIL}Subject: ${subject}\n\nbody\n---\n${DIFF}-- \n2.47\n\n`;
  const commit = `commit ${"ab".repeat(20)}\nAuthor: A <a@example.org>\n\n    subject\n\n${DIFF}`;
  const refusalOf = async (content: string) => {
    const directory = seriesOf("0001-x.patch\n", []);
    folder.write(`${directory.slice(folder.path.length + 1)}/0001-x.patch`, content);
    return (await refusal(directory))?.message;
  };

  it.each([
    ["two mails", mail("first") + mail("second"), 2],
    ["two mails with the line ends of Windows", (mail("first") + mail("second")).replaceAll("\n", "\r\n"), 2],
    ["a cover letter and a mail", `${MAIL}Subject: [PATCH 0/1] x\n\nbody\n\n${mail("first")}`, 2],
    ["a patch and a mail", `Subject: first\n\n${DIFF}\n${mail("second")}`, 2],
    ["three commits of git log -p", commit.repeat(3), 3],
    ["two changesets of Mercurial", `# HG changeset patch\n# User A\n${DIFF}`.repeat(2), 2],
  ])("is refused by name when it holds %s", async (_what, content, count) => {
    const message = await refusalOf(content);
    expect(message).toMatch(/patch .*0001-x\.patch: /);
    expect(message).toContain(`${count} patches in one file; make it one file each (git mailsplit)`);
  });

  it.each([
    ["one mail", mail("only")],
    ["a header that somebody put before the mail", `Description: x\nOrigin: vendor\n\n${mail("only")}`],
    ["a message that quotes two commits", mail("x").replace("body\n", commit.replace(DIFF, "").repeat(2))],
    [
      "a message that begins a line with From",
      mail("x").replace("body\n", "\nFrom here on\n\nFrom now: x\n"),
    ],
    ["a diff of a mailbox", mail("x").replace("+brass\n", `+brass\n+\n+${MAIL.replaceAll("\n", "\n+")}\n`)],
    ["two files' changes", DIFF + DIFF],
  ])("is one patch with %s", async (_what, content) => {
    expect(await refusalOf(content)).toBeUndefined();
  });
});

describeReal("patches from elsewhere", () => {
  const seriesAt = (name: string) => readSeries(realDataPath(`evidence/cases/${name}`));

  it("patch-backported-from: a backport of that commit", async () => {
    const [patch] = await seriesAt("patch-backported-from");
    expect(readPatchHeader(patch!.bytes, patch!.fileName)).toMatchObject({
      subject: "ubuntu style",
      origin: "backport",
      upstreamCommit: "0123456789abcdef0123456789abcdef01234567",
    });
  });

  it("patch-two-mails-in-one-file: refused by name", async () => {
    const error = await malformedOf(() => seriesAt("patch-two-mails-in-one-file"));
    expect(error?.message).toMatch(/04-mbox2\.patch: 2 patches in one file/);
  });
});

describeWithTool("quilt", "a series that quilt reads", () => {
  it("has the same patches in the same order", async () => {
    const directory = seriesOf(GOOD, NAMES);
    const listed = execFileSync("quilt", ["--quiltrc", "-", "series"], {
      cwd: folder.path,
      env: { ...process.env, QUILT_PATCHES: directory, QUILT_PATCHES_PREFIX: "" },
      encoding: "utf8",
    });
    const names = (await readSeries(directory)).map(({ fileName }) => fileName);
    expect(listed.trim().split("\n")).toEqual(names);
  });
});
