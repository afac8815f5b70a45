// Quotes through configfs-tsm: what a kernel answers, and what no quote may come of.
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { configfs, type ReportFolder, requestQuote } from "../../../src/attester/machine/tsm-report.ts";
import { decodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { makeMachine, type Vendors } from "../../../src/testing/index.ts";
import { vendors } from "../../support/appraisal-world.ts";
import { NOW } from "../../support/clock.ts";
import { madeUpConfigfs } from "../../support/made-up-guest.ts";

const REPORT_DATA = Uint8Array.from({ length: 64 }, (_, i) => i);
let root: string;
let made: Vendors;
beforeAll(async () => {
  made = await vendors();
});
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "touchstone-tsm-"));
  mkdirSync(join(root, "sys/kernel/config/tsm/report"), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true }));

async function quoteOver(reportData: Uint8Array, trailing = new Uint8Array()): Promise<Uint8Array> {
  const { evidence } = await makeMachine({
    at: NOW,
    vendors: made,
    gpus: [],
    tdx: { body: { reportData }, quote: { trailing } },
  });
  return decodeBase64(evidence.tdx.quote);
}

const kernel = (change: Partial<ReportFolder> = {}): ReportFolder => ({
  ...madeUpConfigfs(root, quoteOver),
  ...change,
});
const left = () => readdirSync(join(root, "sys/kernel/config/tsm/report"));
const failing = (code: string) => Object.assign(new Error(code), { code });

it("gives the quote over what was written, and leaves no entry behind", async () => {
  const quote = await requestQuote(kernel(), REPORT_DATA);
  expect(Buffer.from(quote).includes(Buffer.from(REPORT_DATA))).toBe(true);
  expect(left()).toEqual([]);
});

it("cuts off what follows the signature", async () => {
  const trailing = new Uint8Array(500);
  const padded = await quoteOver(REPORT_DATA, trailing);
  const quote = await requestQuote(
    madeUpConfigfs(root, async () => padded),
    REPORT_DATA,
  );
  expect(quote).toEqual(padded.subarray(0, -trailing.length));
});

it("asks again while the quoting enclave is busy", async () => {
  const { read } = kernel();
  let busy = 2;
  const patient = kernel({
    read: (entry, attribute) =>
      attribute === "outblob" && busy-- > 0 ? Promise.reject(failing("EBUSY")) : read(entry, attribute),
  });
  await requestQuote(patient, REPORT_DATA);
  expect(busy).toBe(-1);
});

it.each<readonly [what: string, change: () => Partial<ReportFolder>, words: RegExp]>([
  [
    "another technology's provider",
    () => ({ read: async () => utf8("sev_guest\n") }),
    /"sev_guest", expected tdx_guest/,
  ],
  ["no configfs", () => ({ make: configfs(join(root, "nowhere")).make }), /configfs mounted.*ENOENT/],
  [
    "an error of the hypervisor",
    () => {
      const { read } = kernel();
      return {
        read: (entry, name) => (name === "outblob" ? Promise.reject(failing("EIO")) : read(entry, name)),
      };
    },
    /generation service.*EIO/,
  ],
  [
    "a quote over something else",
    () => madeUpConfigfs(root, () => quoteOver(new Uint8Array(64))),
    /over other REPORTDATA/,
  ],
  ["bytes that are no quote", () => madeUpConfigfs(root, async () => utf8("no quote at all")), /TDX quote/],
  [
    "another who writes into the same entry",
    () => {
      const { write } = kernel();
      return {
        async write(entry, attribute, value) {
          await write(entry, attribute, value);
          await write(entry, attribute, value);
        },
      };
    },
    /generation went from 0 to 2/,
  ],
])("gives no quote: %s", async (_, change, words) => {
  await expect(requestQuote(kernel(change()), REPORT_DATA)).rejects.toThrow(words);
  expect(left()).toEqual([]);
});
