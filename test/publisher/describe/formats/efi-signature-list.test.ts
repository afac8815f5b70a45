// Secure Boot variables against efitools and against what real firmware measured, and lists made to deceive.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { encodeHex } from "../../../../src/protocol/encoding/hex.ts";
import {
  readSecureBootVariable,
  type SecureBootVariable,
} from "../../../../src/publisher/describe/formats/efi-signature-list.ts";
import { parseEventLog } from "../../../../src/verifier/tdx/event-log.ts";
import { describeReal, realData } from "../../../support/real-data.ts";
import { describeWithTool } from "../with-tool.ts";
import { makeSigner } from "./build-uki.ts";

const OWNER = "11111111-2222-3333-4444-123456789abc";
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-esl-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describeWithTool(["cert-to-efi-sig-list", "sign-efi-sig-list", "openssl"], "signature lists", () => {
  let list: string;
  let signed: string;
  beforeAll(() => {
    const { key, certificate } = makeSigner(folder, "Platform");
    list = join(folder, "db.esl");
    signed = join(folder, "db.auth");
    execFileSync("cert-to-efi-sig-list", ["-g", OWNER, certificate, list], { stdio: "pipe" });
    execFileSync(
      "sign-efi-sig-list",
      ["-g", OWNER, "-t", "2026-01-01 00:00:00", "-k", key, "-c", certificate, "db", list, signed],
      { stdio: "pipe" },
    );
  });

  it("are the same alone and behind efitools' signature", async () => {
    const plain = await readSecureBootVariable(list, "db");
    expect(plain.sha256).toBe(createHash("sha256").update(readFileSync(list)).digest("hex"));
    expect(await readSecureBootVariable(signed, "db")).toEqual(plain);
  });

  it("of db and dbx are measured differently although the data are the same", async () => {
    const [db, dbx] = [await readSecureBootVariable(list, "db"), await readSecureBootVariable(list, "dbx")];
    expect(dbx.sha256).toBe(db.sha256);
    expect(dbx.eventSha384).not.toBe(db.eventSha384);
  });

  it("one after the other are one variable", async () => {
    const both = join(folder, "both.esl");
    writeFileSync(both, Buffer.concat([readFileSync(list), readFileSync(list)]));
    expect((await readSecureBootVariable(both, "KEK")).sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    ["list cut short", (bytes: Buffer) => bytes.subarray(0, -1)],
    ["header cut short", (bytes: Buffer) => bytes.subarray(0, 27)],
    ["byte after the list", (bytes: Buffer) => Buffer.concat([bytes, Buffer.of(0)])],
    ["list longer than the file", (bytes: Buffer) => patch(bytes, 16, 0xffffffff)],
    ["list of no length", (bytes: Buffer) => patch(bytes, 16, 0)],
    ["header longer than the list", (bytes: Buffer) => patch(bytes, 20, 0xffffffff)],
    ["entry size of 0", (bytes: Buffer) => patch(bytes, 24, 0)],
    ["entry size that leaves a rest", (bytes: Buffer) => patch(bytes, 24, 17)],
  ])("are refused with a %s", async (name, change) => {
    const path = join(folder, `${name}.esl`);
    writeFileSync(path, change(readFileSync(list)));
    await expect(readSecureBootVariable(path, "db")).rejects.toThrow(
      /^EFI signature list .*\.esl: .* \(at byte \d+\)$/,
    );
  });

  it.each([
    ["overflows", 0xffffffff],
    ["is shorter than its header", 8],
  ])("are refused behind a signature whose length %s", async (name, length) => {
    const path = join(folder, `${name}.auth`);
    writeFileSync(path, patch(readFileSync(signed), 16, length));
    await expect(readSecureBootVariable(path, "db")).rejects.toThrow(/descriptor.* \(at byte 16\)$/);
  });
});

describeReal("Secure Boot variables of a real boot", () => {
  it("are measured as the firmware did", async () => {
    const { events } = parseEventLog("ccel", realData("evidence/tdx/cos-113-v4-ccel-outofdate/ccel.bin"));
    const variables = events.filter(({ type }) => type === 0x80000001).slice(1);
    const names: SecureBootVariable[] = ["PK", "KEK", "db", "dbx"];
    for (const [i, name] of names.entries()) {
      const { data, digest } = variables[i]!;
      const path = join(folder, `${name}.esl`);
      writeFileSync(path, data.subarray(32 + 2 * name.length));
      expect((await readSecureBootVariable(path, name)).eventSha384, name).toBe(encodeHex(digest));
    }
  });
});

function patch(bytes: Buffer, offset: number, value: number): Buffer {
  bytes.writeUInt32LE(value, offset);
  return bytes;
}
