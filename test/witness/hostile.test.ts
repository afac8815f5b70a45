// Requests that nobody honest sends: any bytes, and honest requests with any bytes changed or cut. Nothing of them is cosigned but what
// the log signed, and none ends the witness.
import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { parseAddCheckpoint } from "../../src/witness/add-checkpoint-request.ts";
import { malformedOf } from "../support/refusals.ts";
import { ORIGIN, WitnessedLog, WitnessHarness } from "./witness-harness.ts";

const log = new WitnessedLog(40);
let harness: WitnessHarness;
beforeEach(async () => {
  harness = await WitnessHarness.make();
  await harness.post(await log.request(0, 5));
});
afterEach(() => harness.stop());

const REFUSED = [400, 403, 404, 409, 422];

it("any bytes are refused, and read as malformed or not at all", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
      expect(REFUSED).toContain((await harness.post(bytes)).status);
      await malformedOf(() => parseAddCheckpoint(bytes));
    }),
  );
});

it("an honest request with one byte changed, or cut anywhere, is refused or is still the checkpoint that was signed", async () => {
  const honest = utf8(await log.request(5, 9));
  await fc.assert(
    fc.asyncProperty(fc.nat(honest.length - 1), fc.integer({ min: 1, max: 255 }), async (at, bits) => {
      const changed = honest.map((byte, i) => (i === at ? byte ^ bits : byte));
      expect(REFUSED).toContain((await harness.post(changed)).status);
      expect(REFUSED).toContain((await harness.post(honest.subarray(0, at))).status);
    }),
    { numRuns: 300 },
  );
  expect(harness.store.find(ORIGIN)?.size).toBe(5);
  expect((await harness.post(honest)).status).toBe(200);
});
