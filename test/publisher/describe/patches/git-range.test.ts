import { chmodSync, existsSync, mkdirSync } from "node:fs";
import { beforeAll, expect, it } from "vitest";
import { readGitRange } from "../../../../src/publisher/describe/patches/git-range.ts";
import { stablePatchId } from "../../../../src/publisher/describe/patches/patch-id.ts";
import { malformedOf } from "../../../support/refusals.ts";
import { scratchFolder } from "../scratch-folder.ts";
import { describeWithTool } from "../with-tool.ts";
import { git } from "./git-program.ts";

const folder = scratchFolder();
const repository = `${folder.path}/repository`;

function commit(message: string, files: Record<string, string | Uint8Array>): string {
  for (const [name, content] of Object.entries(files)) folder.write(`repository/${name}`, content);
  git(repository, ["add", "-A"]);
  git(repository, ["commit", "-q", "-m", message]);
  return git(repository, ["rev-parse", "HEAD"]).trim();
}

describeWithTool("git", "a git range", () => {
  let base = "";
  let tip = "";

  beforeAll(() => {
    mkdirSync(repository);
    git(repository, ["init", "-q", "-b", "main"]);
    base = commit("Base", { stone: "gold\n", "a/b": "1\n2\n3\n" });
    commit("ACPI: refuse ‘brass’\n\ncommit 0123456789abcdef0123456789abcdef01234567 upstream.", {
      "a/b": "1\n2\nthree\n",
    });
    tip = commit("Add a binary", { image: Uint8Array.from({ length: 300 }, (_, i) => i & 0xff) });
  });

  it("gives its commits as patches, oldest first, named by place and commit", async () => {
    const range = await readGitRange(repository, base, "main");
    expect(range).toMatchObject({ base, tip });
    expect(range.patches.map(({ fileName }) => fileName.slice(0, 5))).toEqual(["0001-", "0002-"]);
    expect(range.patches[1]?.fileName).toBe(`0002-${tip}.patch`);
  });

  it("gives patches that git am makes the same trees of", async () => {
    const { patches } = await readGitRange(repository, base, tip);
    const clone = `${folder.path}/clone`;
    git(folder.path, ["clone", "-q", repository, clone]);
    git(clone, ["reset", "-q", "--hard", base]);
    for (const { bytes } of patches) git(clone, ["am", "-q", "--keep-cr"], bytes);
    expect(git(clone, ["rev-parse", "HEAD^{tree}"])).toBe(git(repository, ["rev-parse", `${tip}^{tree}`]));
  });

  it("gives patches whose stable id is that of git format-patch", async () => {
    const { patches } = await readGitRange(repository, base, tip);
    for (const { fileName, bytes } of patches) {
      const name = fileName.slice(5, 45);
      const own = git(repository, ["format-patch", "-1", "--stdout", "--no-binary", name]);
      const theirs = git(repository, ["patch-id", "--stable"], own).slice(0, 40);
      if (name !== tip) expect(await stablePatchId(bytes)).toBe(theirs);
      expect(await stablePatchId(bytes)).toMatch(/^[0-9a-f]{40}$/);
    }
  });

  it("is the same whatever the repository's configuration asks for, and runs no program that it names", async () => {
    const before = await readGitRange(repository, base, tip);
    const marker = `${folder.path}/ran`;
    const program = folder.write("program.sh", `#!/bin/sh\ntouch ${marker}\n`);
    chmodSync(program, 0o755);
    for (const [name, value] of [
      ["diff.external", program],
      ["diff.noprefix", "true"],
      ["diff.context", "9"],
      ["diff.algorithm", "histogram"],
      ["diff.renames", "copies"],
      ["diff.gold.textconv", program],
      ["core.fsmonitor", program],
      ["core.pager", program],
      ["core.abbrev", "8"],
      ["color.ui", "always"],
      ["log.date", "iso"],
      ["log.showSignature", "true"],
      ["gpg.program", program],
      ["i18n.logOutputEncoding", "ISO-8859-1"],
      ["format.pretty", "oneline"],
    ] as const)
      git(repository, ["config", name, value]);
    folder.write("repository/.git/info/attributes", "* diff=gold\n");
    expect(await readGitRange(repository, base, tip)).toEqual(before);
    expect(existsSync(marker)).toBe(false);
    git(repository, ["config", "--unset", "core.fsmonitor"]);
  });

  it("is the same in a checkout, a bare clone and a worktree, whatever attributes and grafts each of them has", async () => {
    const labelled = (value: number) =>
      `static int alpha(void)\n{\n\tint a;\nlabel_one:\n${[1, 2, 3, 4, 5].map((n) => `\ta = ${n};\n`).join("")}\ta = ${value};\n\treturn a;\n}\n`;
    const from = commit("Attributes", { "f.c": labelled(6), ".gitattributes": "*.c diff=cpp\n" });
    const to = commit("Change a number", { "f.c": labelled(7) });
    const checkout = await readGitRange(repository, from, to);
    expect(Buffer.from(checkout.patches[0]!.bytes).toString()).toContain("+\ta = 7;");

    const bare = `${folder.path}/bare.git`;
    git(folder.path, ["clone", "-q", "--bare", repository, bare]);
    const worktree = `${folder.path}/worktree`;
    git(repository, ["worktree", "add", "-q", "--detach", worktree, base]);
    folder.write("bare.git/info/attributes", "*.c -diff\n");
    folder.write("bare.git/info/grafts", `${to} ${base}\n`);
    for (const place of [bare, worktree]) expect(await readGitRange(place, from, to)).toEqual(checkout);
    git(bare, ["config", "diff.indentHeuristic", "false"]);
    git(bare, ["config", "core.attributesFile", folder.write("attributes", "* diff=cpp\n")]);
    expect(await readGitRange(bare, from, to)).toEqual(checkout);
  });

  it("fails in a shallow clone whose history does not reach, instead of taking its end for a first commit", async () => {
    const shallow = `${folder.path}/shallow`;
    git(folder.path, ["clone", "-q", "--depth", "1", `file://${repository}`, shallow]);
    const head = git(shallow, ["rev-parse", "HEAD"]).trim();
    await expect(readGitRange(shallow, `${head}~1`, head)).rejects.toThrow(/names no commit/);
    await expect(readGitRange(shallow, head, head)).rejects.toThrow();
  });

  it("refuses ends that are options, ranges or nothing", async () => {
    for (const end of [
      "--all",
      "--upload-pack=x",
      "main..main",
      "nothing",
      "",
      "-",
      "main^{tree}",
      "HEAD:stone",
    ]) {
      const error = await malformedOf(() => readGitRange(repository, base, end));
      expect(error?.message, end).toMatch(/names no commit/);
    }
  });

  it("says what git says when the folder is no repository", async () => {
    await expect(readGitRange(folder.path, "a", "b")).rejects.toThrow(/not a git repository/);
  });

  it("refuses an empty range, and history that is not one line", async () => {
    expect((await malformedOf(() => readGitRange(repository, tip, tip)))?.message).toMatch(
      /no commits between/,
    );
    git(repository, ["checkout", "-q", "-b", "side", base]);
    commit("Side", { side: "x\n" });
    git(repository, ["merge", "-q", "-m", "Merge", "main"]);
    expect((await malformedOf(() => readGitRange(repository, base, "side")))?.message).toMatch(
      /not one line/,
    );
    expect((await malformedOf(() => readGitRange(repository, tip, "side~1")))?.message).toMatch(
      /not one line/,
    );
  });
});
