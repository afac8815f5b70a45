// Damaged and hostile bytes: refused, or unchanged in meaning; never another exception, never accepted with another meaning.
import { describe, expect, it } from "vitest";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { sequence } from "../../../src/testing/der.ts";
import { bootEvents, makeCcel, makeDstackLog } from "../../../src/testing/event-log.ts";
import { sgxExtensionOf } from "../../../src/verifier/tdx/chain-of-trust.ts";
import { parseTdxCollateral } from "../../../src/verifier/tdx/collateral.ts";
import { parseEventLog, replayEventLog } from "../../../src/verifier/tdx/event-log.ts";
import { parseTdxQuote } from "../../../src/verifier/tdx/quote.ts";
import { parseSgxExtension } from "../../../src/verifier/tdx/sgx-extension.ts";
import { parseCertificate } from "../../../src/verifier/x509/certificate.ts";
import { derSequence, readDer } from "../../../src/verifier/x509/der.ts";
import { malformedOf } from "../../support/refusals.ts";
import { flipBit, judge, makeTdx, randomBits } from "./synthetic.ts";

const good = await makeTdx();
const accepted = await judge(good);
const collateralText = JSON.stringify(good.collateral);

describe("truncation at every byte", () => {
  it("of the quote is refused as malformed", async () => {
    for (let length = 0; length < good.quote.length; length++) {
      expect(
        await malformedOf(() => parseTdxQuote(good.quote.subarray(0, length))),
        `${length} bytes`,
      ).toBeDefined();
    }
  });

  it("of the collateral is refused as malformed", async () => {
    const bytes = utf8(collateralText);
    for (let length = 0; length < bytes.length; length++) {
      expect(
        await malformedOf(() => parseTdxCollateral(bytes.subarray(0, length))),
        `${length} bytes`,
      ).toBeDefined();
    }
  });

  it.each(["rootCaCrl", "pckCrl", "tcbInfoIssuerChain", "tcbInfo"] as const)(
    "of %s is refused by verification",
    async (field) => {
      const whole = good.collateral[field];
      const step = field.endsWith("Crl") ? 6 : 37;
      for (let length = 0; length < whole.length; length += step) {
        const collateral = { ...good.collateral, [field]: whole.slice(0, length) };
        const result = await judge({ ...good, collateral });
        // The end of a PEM text is a line feed that means nothing.
        if (result.accepted) expect(whole.slice(length).trim(), `${length}`).toBe("");
      }
    },
  );

  it.each(["ccel", "dstack"] as const)(
    "of a %s event log is refused or replays to other registers",
    async (format) => {
      const events = bootEvents("truncated");
      const whole = format === "ccel" ? makeCcel(events, 0) : makeDstackLog(events);
      const registers = replayEventLog(parseEventLog(format, whole));
      for (let length = 0; length < whole.length; length++) {
        const part = whole.subarray(0, length);
        const error = await malformedOf(() =>
          expect(replayEventLog(parseEventLog(format, part))).not.toEqual(registers),
        );
        if (format === "dstack") expect(error, `${length} bytes`).toBeDefined();
      }
    },
  );
});

describe("one random bit changed", () => {
  it("in the quote is refused, or no signed byte changed", async () => {
    const flips = randomBits(1, good.quote.length * 8);
    for (let i = 0; i < 250; i++) {
      const bit = flips.next().value;
      const result = await judge({ ...good, quote: flipBit(good.quote, bit) });
      if (result.accepted)
        expect(result.quote?.signedBytes, `bit ${bit}`).toEqual(accepted.quote?.signedBytes);
    }
  });

  it("anywhere in the signed part of the quote is refused", async () => {
    const bits = (accepted.quote?.signedBytes.length ?? 0) * 8;
    const flips = randomBits(2, bits);
    for (let i = 0; i < 150; i++) {
      const bit = flips.next().value;
      expect((await judge({ ...good, quote: flipBit(good.quote, bit) })).accepted, `bit ${bit}`).toBe(false);
    }
  });

  it("in the collateral is refused, or its meaning is the same", async () => {
    const bytes = utf8(collateralText);
    const flips = randomBits(3, bytes.length * 8);
    for (let i = 0; i < 400; i++) {
      const bit = flips.next().value;
      await malformedOf(async () => {
        const result = await judge({ ...good, collateral: parseTdxCollateral(flipBit(bytes, bit)) });
        if (result.accepted) expect(result.tcb, `bit ${bit}`).toEqual(accepted.tcb);
      });
    }
  });

  it("in a CCEL is refused or replays to other registers, or changes only what is not measured", async () => {
    const whole = makeCcel(bootEvents("flipped"), 64);
    const log = parseEventLog("ccel", whole);
    const flips = randomBits(5, whole.length * 8);
    for (let i = 0; i < 500; i++) {
      const bit = flips.next().value;
      await malformedOf(() => {
        const changed = parseEventLog("ccel", flipBit(whole, bit));
        const same = JSON.stringify(replayEventLog(changed)) === JSON.stringify(replayEventLog(log));
        const proven = (of: typeof log) =>
          of.events.filter((event) => event.recomputed).map(({ data }) => data);
        if (same) for (const data of proven(changed)) expect(proven(log), `bit ${bit}`).toContainEqual(data);
      });
    }
  });
});

describe("collateral.json", () => {
  it.each([
    ["an unknown field", { ...good.collateral, extra: 1 }],
    ["a missing field", { ...good.collateral, pckCrl: undefined }],
    ["a CRL that is not hex", { ...good.collateral, pckCrl: "zz" }],
    ["a CRL with half a byte", { ...good.collateral, pckCrl: "0" }],
    ["a signature in base64", { ...good.collateral, tcbInfoSignature: `${"A".repeat(126)}==` }],
    ["a chain longer than its limit", { ...good.collateral, tcbInfoIssuerChain: "x".repeat(40_000) }],
    ["a TCB Info that was parsed", { ...good.collateral, tcbInfo: JSON.parse(good.collateral.tcbInfo) }],
  ])("with %s is refused", async (_, value) => {
    expect(await malformedOf(() => parseTdxCollateral(JSON.stringify(value)))).toBeDefined();
  });

  it("of more than 1 MiB is refused before it is read", async () => {
    const error = await malformedOf(() => parseTdxCollateral(new Uint8Array(2 ** 20 + 1)));
    expect(error?.message).toMatch(/longer than/);
  });
});

describe("an SGX extension", () => {
  const value = sgxExtensionOf(parseCertificate(good.pck.der));

  it("is refused at every cut", async () => {
    expect(parseSgxExtension(value)).toMatchObject({ fmspc: "90c06f000000", pceSvn: 13 });
    for (let length = 0; length < value.length; length++) {
      expect(await malformedOf(() => parseSgxExtension(value.subarray(0, length)))).toBeDefined();
    }
  });

  it("is refused with a field twice", async () => {
    const fields = derSequence(readDer(value)).map(({ raw }) => raw);
    expect(
      await malformedOf(() => parseSgxExtension(sequence(...fields, ...fields.slice(0, 1)))),
    ).toBeDefined();
  });
});
