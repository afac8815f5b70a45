import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseStatement } from "../../../src/protocol/envelope/statement.ts";
import {
  describeKernelPatchSet,
  type KernelPatchSetInput,
} from "../../../src/publisher/describe/kernel-patch-set.ts";
import { malformedOf } from "../../support/refusals.ts";
import { RELEASE, statementOf } from "./release-input.ts";
import { scratchFolder } from "./scratch-folder.ts";
import { describeWithTool, haveTool } from "./with-tool.ts";

const folder = scratchFolder();
const sha256 = (text: string | Uint8Array) => createHash("sha256").update(text).digest("hex");
const SHA = "0123456789abcdef0123456789abcdef01234567";
const diff = (i: number) =>
  `diff --git a/f${i} b/f${i}\n--- a/f${i}\n+++ b/f${i}\n@@ -1 +1 @@\n-gold\n+brass ${i}\n`;
const patchText = (i: number) =>
  `From: A U Thor <author@example.com>\nDate: Tue, 3 Feb 2026 10:00:00 +0100\nSubject: [PATCH] Patch ${i}\n\n[ Upstream commit ${SHA} ]\n---\n${diff(i)}`;

function seriesOf(name: string, count: number): string {
  const names = Array.from({ length: count }, (_, i) => `${String(i).padStart(4, "0")}-patch.patch`);
  folder.write(`${name}/series`, `${names.join("\n")}\n`);
  for (const [i, patch] of names.entries()) folder.write(`${name}/${patch}`, patchText(i));
  return `${folder.path}/${name}`;
}

const inputFor = (directory: string, more: Partial<KernelPatchSetInput> = {}): KernelPatchSetInput => ({
  release: RELEASE,
  baseName: "linux",
  baseVersion: "6.12.107",
  patches: { directory },
  toolchain: [],
  outputs: [],
  ...more,
});

describe("a described kernel patch set", () => {
  it("states base, patches, configuration and outputs, and passes the schema", async () => {
    const config = "# Linux/x86 6.12.107 Kernel Configuration\nCONFIG_INTEL_TDX_GUEST=y\n";
    const { payload, attachments } = await describeKernelPatchSet({
      release: { ...RELEASE, sourceArchive: folder.write("source.tar", "source") },
      baseName: "linux",
      baseArchive: folder.write("linux-6.12.107.tar.xz", "base"),
      patches: { directory: seriesOf("small", 2) },
      notes: folder.write("purposes.toml", '"0001-patch.patch" = "badaml-acpi"\n'),
      config: folder.write(".config", config),
      toolchain: [{ name: "kmod", version: "34" }],
      outputs: [folder.write("bzImage", "kernel")],
    });
    expect(parseStatement(payload)).toMatchObject({
      kind: "kernel-patch-set",
      name: "acme/gold",
      version: "1.0-1",
    });
    const { subject, predicate } = statementOf(payload);
    expect(attachments).toEqual([]);
    expect(predicate.base).toEqual({
      name: "linux",
      version: "6.12.107",
      sourceArchive: { fileName: "linux-6.12.107.tar.xz", sha256: sha256("base"), size: 4 },
      commit: null,
    });
    expect(predicate.source.sha256).toBe(sha256("source"));
    expect(predicate.patches.inline[1]).toEqual({
      fileName: "0001-patch.patch",
      sha256: sha256(patchText(1)),
      subject: "Patch 1",
      authorDate: "Tue, 3 Feb 2026 10:00:00 +0100",
      patchId: haveTool("git") ? expect.stringMatching(/^[0-9a-f]{40}$/) : null,
      origin: "backport",
      upstreamCommit: SHA,
      purpose: "badaml-acpi",
    });
    expect(predicate.patches.seriesDigest).toBe(
      sha256(`["${sha256(patchText(0))}","${sha256(patchText(1))}"]`),
    );
    expect(predicate.config.sha256).toBe(sha256(config));
    expect(predicate.config.options[0]).toEqual({
      option: "CONFIG_INTEL_TDX_GUEST",
      required: "set",
      actual: "y",
    });
    expect(subject).toEqual([
      { name: "bzImage", digest: { sha256: sha256("kernel") } },
      { name: "patch-series", digest: { sha256: predicate.patches.seriesDigest } },
    ]);
  });

  it("is the same, byte for byte, when run again and from another folder, and names no path", async () => {
    const directory = seriesOf("again", 5);
    const first = await describeKernelPatchSet(inputFor(directory));
    cpSync(directory, `${folder.path}/moved/elsewhere`, { recursive: true });
    const second = await describeKernelPatchSet(inputFor(`${folder.path}/moved/elsewhere`));
    expect(Buffer.from(second.payload)).toEqual(Buffer.from(first.payload));
    expect(new TextDecoder().decode(first.payload)).not.toContain(folder.path);
  });

  it("attaches a series of hundreds of patches, named by digest, and stays small itself", async () => {
    const { payload, attachments } = await describeKernelPatchSet(inputFor(seriesOf("long", 300)));
    const { patches } = statementOf(payload).predicate;
    const [attached] = attachments;
    expect(patches).toMatchObject({ count: 300, inline: null, attachment: attached?.reference });
    expect(attached?.reference.digest).toBe(sha256(attached?.bytes ?? ""));
    expect(attached?.reference.size).toBe(attached?.bytes.length);
    const rows = JSON.parse(new TextDecoder().decode(attached?.bytes)) as { sha256: string }[];
    expect(rows).toHaveLength(300);
    expect(patches.seriesDigest).toBe(sha256(JSON.stringify(rows.map((row) => row.sha256))));
    expect(payload.length).toBeLessThan(16 * 1024);
  });

  it("tells no more than digest and purpose of a patch under embargo", async () => {
    const notes = folder.write(
      "embargo.json",
      '{"0000-patch.patch":{"purpose":"a fix to come","embargoed":true}}',
    );
    const { payload } = await describeKernelPatchSet(inputFor(seriesOf("embargo", 1), { notes }));
    expect(statementOf(payload).predicate.patches.inline[0]).toEqual({
      fileName: "embargoed-0001.patch",
      sha256: sha256(patchText(0)),
      subject: "under embargo",
      authorDate: null,
      patchId: null,
      origin: "unknown",
      upstreamCommit: null,
      purpose: "a fix to come",
    });
  });

  it.each([
    ["a patch that the series has not", '"other.patch" = "x"', /other.patch is not in the series/],
    ["a member that nobody reads", '"0000-patch.patch" = { purpose = "x", porpoise = "y" }', /patch notes/],
    ["no TOML", "= =", /not TOML/],
  ])("is refused when its notes name %s", async (_why, notes, message) => {
    const path = folder.write("bad.toml", notes);
    const error = await malformedOf(() =>
      describeKernelPatchSet(inputFor(seriesOf("noted", 1), { notes: path })),
    );
    expect(error?.message).toMatch(message);
  });

  it("is refused without a base version when no configuration names one", async () => {
    const { baseVersion: _, ...input } = inputFor(seriesOf("unversioned", 1));
    expect((await malformedOf(() => describeKernelPatchSet(input)))?.message).toMatch(
      /give the base version/,
    );
  });
});

describeWithTool("git", "the patch ids of a described series", () => {
  it("are what git patch-id --stable says of each file, and null where it says nothing", async () => {
    const directory = seriesOf("ids", 3);
    folder.write("ids/series", "0000-patch.patch\n0001-patch.patch\n0002-patch.patch\nempty.patch\n");
    folder.write("ids/empty.patch", "Subject: nothing\n");
    const { payload } = await describeKernelPatchSet(inputFor(directory));
    for (const { fileName, patchId } of statementOf(payload).predicate.patches.inline) {
      const answer = execFileSync("git", ["patch-id", "--stable"], {
        input: execFileSync("cat", [`${directory}/${fileName}`]),
        encoding: "utf8",
      });
      expect(patchId).toBe(answer === "" ? null : answer.slice(0, 40));
    }
  });
});
