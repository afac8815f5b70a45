import { describe, expect, it } from "vitest";
import { readPatchHeader } from "../../../../src/publisher/describe/patches/patch-header.ts";

const SHA = "0123456789abcdef0123456789abcdef01234567";
const SHORT = SHA.slice(0, 12);
const OTHER = "fedcba9876543210fedcba9876543210fedcba98";
const DIFF = "diff --git a/stone b/stone\n--- a/stone\n+++ b/stone\n@@ -1 +1 @@\n-gold\n+brass\n";
const read = (header: string) =>
  readPatchHeader(new TextEncoder().encode(`${header}\n${DIFF}`), "0001-x.patch");

describe("a patch's header", () => {
  it("gives subject and author date as git format-patch wrote them, and not the author", () => {
    const header = read(
      `From ${OTHER} Mon Sep 17 00:00:00 2001\nFrom: A U Thor <author@example.com>\n` +
        "Date: Tue, 3 Feb 2026 10:00:00 +0100\nSubject: [PATCH v2 3/7] ACPI: refuse AML that\n writes to RAM\n\nBody.\n---\n stone | 2 +-\n",
    );
    expect(header).toEqual({
      subject: "ACPI: refuse AML that writes to RAM",
      authorDate: "Tue, 3 Feb 2026 10:00:00 +0100",
      origin: "unknown",
      upstreamCommit: null,
    });
  });

  it.each([
    ["=?UTF-8?q?Gr=C3=BC=C3=9Fe_=E2=80=94_?= =?UTF-8?q?x?=", "Grüße — x"],
    ["=?utf-8?B?R29sZMOh?=", "Goldá"],
    [
      "[PATCH] =?UTF-8?q?Gr=C3=BC=C3=9Fe?=\n =?UTF-8?q?=20von=20weit?=\n\t=?UTF-8?B?IGhlcg==?=",
      "Grüße von weit her",
    ],
    ["=?UTF-8?q?[PATCH]=20Gr=C3?=\n =?UTF-8?q?=BC=C3=9Fe?=", "Grüße"],
    ["=?UTF-8?q?=E2=82=AC?= =?iso-8859-1?q?=E9?= plain =?us-ascii*en?q?x_y?=", "€é plain x y"],
    ["=?ISO-8859-1?Q?caf=E9?=", "café"],
    ["=?x-unknown?Q?caf=E9?=", "=?x-unknown?Q?caf=E9?="],
    ["[PATCH] x\u001b[2Jy\u0000z", "x [2Jy z"],
    ["x\u0085y\u202ez\u2066", "x y z"],
    ["[tip:x86] kept", "[tip:x86] kept"],
    [`${"x".repeat(511)}\u{1f600}`, "x".repeat(511)],
  ])("reads the subject %j", (written, subject) => {
    expect(read(`Subject: ${written}\n`).subject).toBe(subject);
  });

  it.each([
    ["stable's line", `Subject: x\n\ncommit ${SHA} upstream.\n`, "backport", SHA],
    ["stable's brackets", `Subject: x\n\n[ Upstream commit ${SHA} ]\n`, "backport", SHA],
    ["git cherry-pick -x", `Subject: x\n\n(cherry picked from commit ${SHA})\n`, "backport", SHA],
    [
      "DEP-3 upstream",
      `Description: x\nOrigin: upstream, https://git.kernel.org/linus/${SHA}\n`,
      "upstream",
      SHA,
    ],
    ["DEP-3 backport", `Description: x\nOrigin: backport, commit:${SHA}\n`, "backport", SHA],
    ["DEP-3 vendor", "Description: x\nOrigin: vendor\n", "vendor", null],
    ["DEP-3 without a word", `Subject: x\nOrigin: https://git.kernel.org/linus/${SHA}\n`, "upstream", SHA],
    ["DEP-3 applied", `Subject: x\nApplied-Upstream: 6.13, commit:${SHA}\n`, "upstream", SHA],
    [
      "a fix for another commit",
      `Subject: x\n\nThis fixes ${OTHER} ("y").\nFixes: ${OTHER}\n`,
      "unknown",
      null,
    ],
    ["stable's line, abbreviated", `Subject: x\n\ncommit ${SHORT} upstream.\n`, "backport", SHORT],
    ["stable's brackets, abbreviated", `Subject: x\n\n[ Upstream commit ${SHORT} ]\n`, "backport", SHORT],
    ["an id too short to state", "Subject: x\n\ncommit 0123456 upstream.\n", "backport", null],
    ["a number that is no id", "Subject: x\n\ncommit 012345 upstream.\n", "unknown", null],
    ["Ubuntu's backport", `Subject: x\n\n(backported from commit ${SHA})\n`, "backport", SHA],
    ["Ubuntu's tree", `Subject: x\n\n(backported from commit ${SHA} linux-next)\n`, "backport", SHA],
    ["a hyphen", `Subject: x\n\n(cherry-picked from commit ${SHORT} net-next)\n`, "backport", SHORT],
    ["two words", `Subject: x\n\n(back ported from commit ${SHA})\n`, "backport", SHA],
    ["no commit", "Subject: x\n\n(backported from commit of last year)\n", "unknown", null],
    ["stable before DEP-3", `Subject: x\nOrigin: vendor\n\ncommit ${SHA} upstream.\n`, "backport", SHA],
  ])("finds the origin by %s", (_how, header, origin, upstreamCommit) => {
    expect(read(header)).toMatchObject({ origin, upstreamCommit });
  });

  it("ends where the changes begin: what a patch adds names nothing", () => {
    const header = readPatchHeader(
      new TextEncoder().encode(`Subject: x\n\n${DIFF}+\ncommit ${SHA} upstream.\nSubject: y\n`),
      "x.patch",
    );
    expect(header).toMatchObject({ subject: "x", upstreamCommit: null });
  });

  it("falls back on DEP-3's description, the first line, and the file's name", () => {
    expect(read("Description: short\n and long\nForwarded: no\n").subject).toBe("short");
    expect(read("Make it work\n").subject).toBe("Make it work");
    expect(readPatchHeader(new TextEncoder().encode(DIFF), "0001-x.patch").subject).toBe("0001-x.patch");
    expect(readPatchHeader(new Uint8Array(0), "0001-x.patch").subject).toBe("0001-x.patch");
  });

  it("survives bytes that are not UTF-8", () => {
    const header = readPatchHeader(Buffer.from("Subject: caf\xe9\n\n", "latin1"), "x.patch");
    expect(header.subject).toBe("caf\ufffd");
  });
});
