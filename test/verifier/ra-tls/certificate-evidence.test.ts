import { beforeAll, describe, expect, test } from "vitest";
import { decodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { concatBytes } from "../../../src/protocol/encoding/bytes.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import {
  encodeEvidence,
  type Machine,
  makeDstackLog,
  makeEvidenceCertificate,
  makeMachine,
  makeRaTlsCertificate,
  runtimeEvent,
  wrapEvidence,
} from "../../../src/testing/index.ts";
import {
  type CertificateForm,
  readCertificateEvidence,
  tdxQuoteOf,
} from "../../../src/verifier/ra-tls/certificate-evidence.ts";
import { parseEventLog } from "../../../src/verifier/tdx/event-log.ts";
import { malformedOf, outcomeOf } from "../../support/refusals.ts";
import * as containers from "./containers.ts";
import { parsers } from "./parsers.ts";

const { OID } = containers;
const at = new Date("2026-11-20T12:00:00Z");
const validity = {
  notBefore: new Date(at.getTime() - 86_400_000),
  notAfter: new Date(at.getTime() + 86_400_000),
};
const event = { name: "app-id", payload: Uint8Array.of(1, 2, 3) };
let machine: Machine;
let quote: Uint8Array;
let containersOf: Record<string, Uint8Array>;

type Extensions = ReadonlyArray<readonly [string, Uint8Array]>;

async function certificate(...extensions: Extensions): Promise<Uint8Array> {
  const fields = { ...validity, commonName: "node.example", extensions };
  return (await makeRaTlsCertificate(machine.channel, fields)).der;
}

beforeAll(async () => {
  machine = await makeMachine({ at });
  quote = decodeBase64(machine.evidence.tdx.quote);
  const { doubled } = containers;
  containersOf = {
    [OID.wrapper]: wrapEvidence(encodeEvidence(machine.evidence)),
    [OID.dice]: containers.diceEvidence(quote, containers.diceClaims(machine.channel.spki)),
    [OID.gramine]: quote,
    [OID.intelSgxSdk]: quote,
    [OID.openEnclave]: quote,
    [OID.openEnclaveNew]: quote,
    [OID.dstackQuote]: doubled(quote),
    [OID.dstackAttestation]: doubled(containers.dstackScale(quote, [event], machine.body.reportData)),
    [OID.contrast]: containers.contrastEvidence(quote),
  };
});

describe("each form gives back its quote", () => {
  const forms: Array<[CertificateForm, string]> = [
    ["touchstone-ra-tls/v1", OID.wrapper],
    ["ccc-ra-tls", OID.dice],
    ["gramine-ra-tls", OID.gramine],
    ["intel-sgx-sdk", OID.intelSgxSdk],
    ["open-enclave", OID.openEnclave],
    ["open-enclave", OID.openEnclaveNew],
    ["dstack-ratls", OID.dstackQuote],
    ["dstack-ratls", OID.dstackAttestation],
    ["contrast-atls", OID.contrast],
  ];
  test.each(forms)("%s under %s", async (form, oid) => {
    const evidence = readCertificateEvidence(await certificate([oid, containersOf[oid]!]));
    expect(evidence.form).toBe(form);
    expect(evidence.quote).toEqual(quote);
    expect(evidence.spki).toEqual(machine.channel.spki);
    expect(evidence.commonName).toBe("node.example");
    expect([evidence.notBefore, evidence.notAfter]).toEqual([validity.notBefore, validity.notAfter]);
    expect(tdxQuoteOf(evidence)).toEqual(quote);
  });

  test("touchstone-ra-tls/v1 carries the whole evidence", async () => {
    const evidence = readCertificateEvidence((await makeEvidenceCertificate(machine)).der);
    if (evidence.form !== "touchstone-ra-tls/v1") throw new Error(evidence.form);
    expect(evidence.evidence.claims).toEqual(machine.evidence.claims);
  });

  test("dstack version 1, in MessagePack", async () => {
    const content = containers.dstackMessagePack(quote, [event], machine.body.reportData);
    const evidence = readCertificateEvidence(
      await certificate([OID.dstackAttestation, containers.doubled(content)]),
    );
    expect(evidence).toMatchObject({ form: "dstack-ratls", quote });
  });

  test.each(["scale", "message-pack", "json"])(
    "dstack's event log, stripped of digests, from %s",
    async (encoding) => {
      const log = makeDstackLog([runtimeEvent(event.name, event.payload)]);
      const write = encoding === "scale" ? containers.dstackScale : containers.dstackMessagePack;
      const attestation = containers.doubled(write(quote, [event], machine.body.reportData));
      const extensions: Extensions =
        encoding === "json"
          ? [
              [OID.dstackQuote, containers.doubled(quote)],
              [OID.dstackEventLog, containers.doubled(log)],
            ]
          : [[OID.dstackAttestation, attestation]];
      const evidence = readCertificateEvidence(await certificate(...extensions));
      if (evidence.form !== "dstack-ratls") throw new Error(evidence.form);
      expect(parseEventLog("dstack", evidence.eventLog!)).toEqual(parseEventLog("dstack", log));
    },
  );

  test("dstack's event log of version 2 from message-pack", async () => {
    const written = containers.dstackMessagePack(quote, [{ ...event, version: 2 }], machine.body.reportData);
    const evidence = readCertificateEvidence(
      await certificate([OID.dstackAttestation, containers.doubled(written)]),
    );
    if (evidence.form !== "dstack-ratls") throw new Error(evidence.form);
    const log = makeDstackLog([runtimeEvent(event.name, event.payload, 2)]);
    expect(parseEventLog("dstack", evidence.eventLog!)).toEqual(parseEventLog("dstack", log));
  });

  test.each([OID.dstackQuote, OID.dstackAttestation])("Flashbots' message in dstack's %s", async (oid) => {
    const message = containers.flashbotsMessage(quote);
    const content =
      oid === OID.dstackQuote ? message : containers.dstackScale(message, [], machine.body.reportData);
    const evidence = readCertificateEvidence(await certificate([oid, containers.doubled(content)]));
    expect(evidence).toMatchObject({ form: "flashbots-atls", quote });
  });

  test("the standard form decides where Gramine and Intel's SDK add their own", async () => {
    for (const companion of [OID.gramine, OID.intelSgxSdk]) {
      const both = await certificate([companion, new Uint8Array(600)], [OID.dice, containersOf[OID.dice]!]);
      expect(readCertificateEvidence(both)).toMatchObject({ form: "ccc-ra-tls", quote });
    }
  });

  test("claims of the issuer beside the evidence are not evidence", async () => {
    const der = await certificate(
      [OID.dstackAppId, containers.doubled(utf8("app"))],
      [OID.endorsements, new Uint8Array(9)],
      ["1.3.9901.2.2.14", new Uint8Array(48)],
      [OID.contrast, containersOf[OID.contrast]!],
    );
    expect(readCertificateEvidence(der).form).toBe("contrast-atls");
  });
});

describe("an SGX quote is refused by name, in every form that can hold one", () => {
  const forms = [OID.dice, OID.gramine, OID.intelSgxSdk, OID.openEnclave, OID.dstackQuote] as const;
  test.each(forms)("%s", async (oid) => {
    const sgx = containers.sgxQuote(new Uint8Array(64));
    const content = {
      [OID.dice]: containers.diceEvidence(sgx, containers.diceClaims(machine.channel.spki)),
      [OID.dstackQuote]: containers.doubled(sgx),
    }[oid as string];
    const evidence = readCertificateEvidence(await certificate([oid, content ?? sgx]));
    expect(evidence.quote).toEqual(sgx);
    expect(await outcomeOf(() => tdxQuoteOf(evidence))).toBe("not-a-tdx-quote");
  });

  test("and so is a quote too short to tell", async () => {
    const evidence = readCertificateEvidence(await certificate([OID.gramine, Uint8Array.of(4, 0)]));
    expect(await outcomeOf(() => tdxQuoteOf(evidence))).toBe("not-a-tdx-quote");
  });
});

describe("what a certificate may not be", () => {
  /** Forms whose content has a structure of its own; the others hold the bare quote. */
  const structured = () =>
    Object.entries(containersOf).flatMap(([oid, content]) => {
      const parse = parsers[oid];
      return parse === undefined ? [] : [{ oid, content, parse }];
    });

  const refusal = async (...extensions: Extensions) =>
    (await malformedOf(async () => readCertificateEvidence(await certificate(...extensions))))?.message;

  test("without evidence", async () => {
    expect(await refusal()).toContain("no form of attestation evidence");
  });

  test("of two forms at once, whichever they are", async () => {
    const oids = Object.keys(containersOf);
    const together = new Set([`${OID.dice} ${OID.gramine}`, `${OID.dice} ${OID.intelSgxSdk}`]);
    let refused = 0;
    for (const [i, first] of oids.entries()) {
      for (const second of oids.slice(i + 1)) {
        if (together.has(`${first} ${second}`)) continue;
        const message = await refusal([first, containersOf[first]!], [second, containersOf[second]!]);
        expect(message).toContain("more than one form");
        refused++;
      }
    }
    expect(refused).toBe(34);
  });

  test("one that has an extension twice", async () => {
    for (const [oid, content] of Object.entries(containersOf)) {
      expect(await refusal([oid, content], [oid, content])).toContain("appears twice");
    }
  });

  test("one whose standard form is bad, though Gramine's beside it is good", async () => {
    const bad = containersOf[OID.dice]!.subarray(1);
    expect(await refusal([OID.dice, bad], [OID.gramine, quote])).toContain("TCG DICE evidence");
  });

  test("one with a form that is cut short at any byte, or has one too many", async () => {
    for (const { oid, content, parse } of structured()) {
      for (let length = 0; length < content.length; length++) {
        const error = await malformedOf(() => parse(content.subarray(0, length)));
        expect(error, `${oid} cut to ${length}`).toBeDefined();
      }
      expect(await malformedOf(() => parse(concatBytes(content, Uint8Array.of(0))))).toBeDefined();
    }
  });

  test("one whose form, with a bit flipped anywhere, makes a parser throw anything but its own error", async () => {
    for (const { content, parse } of structured()) {
      const step = content.length > 16_384 ? 29 : 1;
      for (let i = 0; i < content.length; i += step) {
        const flipped = Uint8Array.from(content);
        flipped[i] = (flipped[i] ?? 0) ^ (1 << (i % 8));
        await malformedOf(() => parse(flipped));
      }
    }
  });

  test("cut short at any byte itself", async () => {
    const der = await certificate([OID.dice, containersOf[OID.dice]!]);
    for (let length = 0; length < der.length; length++) {
      expect(await malformedOf(() => readCertificateEvidence(der.subarray(0, length)))).toBeDefined();
    }
    expect(
      await malformedOf(() => readCertificateEvidence(concatBytes(der, Uint8Array.of(0)))),
    ).toBeDefined();
  });

  test("with a bit flipped anywhere, it gives the same evidence, other evidence or a refusal, never another error", async () => {
    const der = await certificate([OID.dice, containersOf[OID.dice]!]);
    let refused = 0;
    for (let i = 0; i < der.length; i++) {
      const flipped = Uint8Array.from(der);
      flipped[i] = (flipped[i] ?? 0) ^ (1 << (i % 8));
      if (await malformedOf(() => readCertificateEvidence(flipped))) refused++;
    }
    expect(refused).toBeGreaterThan(50);
  });
});
