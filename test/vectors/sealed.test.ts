// Our own vectors of sealed messages for a second implementation (docs/formats.md, "Sealed requests"): what they say is what we do.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decodeHex, encodeHex } from "../../src/protocol/encoding/hex.ts";
import type { Form } from "../../src/sealed/oblivious-http/form.ts";
import { openRequest } from "../../src/sealed/oblivious-http/gateway.ts";
import { parseKeyConfigurations } from "../../src/sealed/oblivious-http/key-configuration.ts";
import { SUITE } from "../../src/sealed/oblivious-http/suite.ts";
import { openReply } from "../sealed/judge-vectors.ts";

interface Case {
  readonly form: Form;
  readonly request: string;
  readonly sealedRequest: string;
  readonly exportedSecret: string;
  readonly response: string;
  readonly sealedResponse: string;
  readonly refusedResponses: Readonly<Record<string, string>>;
}

const { keyPair, keys, cases } = JSON.parse(
  readFileSync(new URL("./sealed/messages.json", import.meta.url), "utf8"),
) as {
  keyPair: { ikm: string; publicKey: string; privateKey: string };
  keys: string;
  cases: Case[];
};

test("the key pair follows from its seed (RFC 9180 §7.1.3)", async () => {
  const pair = await SUITE.DeriveKeyPair(decodeHex(keyPair.ikm), true);
  expect(encodeHex(await SUITE.SerializePublicKey(pair.publicKey))).toBe(keyPair.publicKey);
  expect(encodeHex(await SUITE.SerializePrivateKey(pair.privateKey))).toBe(keyPair.privateKey);
  expect(parseKeyConfigurations(decodeHex(keys))).toEqual([
    { id: 7, publicKey: decodeHex(keyPair.publicKey) },
  ]);
});

describe.each(cases)("in the $form form", ({ form, ...vector }) => {
  const { request, sealedRequest, exportedSecret, response, sealedResponse, refusedResponses } = vector;

  test("request and reply are opened", async () => {
    const pair = await SUITE.DeriveKeyPair(decodeHex(keyPair.ikm));
    const opened = await openRequest(decodeHex(sealedRequest), (id) => (id === 7 ? pair : undefined), form);
    expect(encodeHex(opened.message)).toBe(request);
    const reply = await openReply(form, exportedSecret, sealedRequest, sealedResponse);
    expect(encodeHex(reply)).toBe(response);
  });

  test.each(Object.entries(refusedResponses))("a reply is refused: %s", async (_, changed) => {
    await expect(openReply(form, exportedSecret, sealedRequest, changed)).rejects.toThrow();
  });
});
