// The vectors of the RFCs and of the draft, and what other programs sealed: each is opened or refused as it says.
import { describe, expect, test } from "vitest";
import { concatBytes } from "../../src/protocol/encoding/bytes.ts";
import { decodeHex, encodeHex } from "../../src/protocol/encoding/hex.ts";
import { MalformedError } from "../../src/protocol/errors.ts";
import { encodeRequest, readRequest } from "../../src/sealed/binary-http/request.ts";
import { readResponse } from "../../src/sealed/binary-http/response.ts";
import { openRequest } from "../../src/sealed/oblivious-http/gateway.ts";
import { parseKeyConfigurations } from "../../src/sealed/oblivious-http/key-configuration.ts";
import { SUITE } from "../../src/sealed/oblivious-http/suite.ts";
import { describeReal, realJson } from "../support/real-data.ts";
import { configurationOf, keysOf, openReply } from "./judge-vectors.ts";
import { inPieces, joined } from "./pieces.ts";

const MOST = 1 << 20;
const read = <T>(name: string) => realJson<T>(`vectors/gate/${name}.json`);

interface Appendix {
  readonly skR: string;
  readonly config: string;
  readonly keyConfig: string;
  readonly sealed: string;
  readonly encapsulatedRequest: string;
  readonly request: string;
  readonly sealedResponse: string;
  readonly encapsulatedResponse: string;
  readonly response: string;
  readonly exportedSecret: string;
  readonly secret: string;
}

interface Made {
  readonly keys: ReadonlyArray<{
    kem: number;
    aead: number;
    privateKey: string;
    config: string;
    list: string;
  }>;
  readonly requests: ReadonlyArray<{
    readonly form: "single" | "chunked";
    readonly kem: number;
    readonly aead: number;
    readonly keyId: number;
    readonly request: string;
    readonly sealedRequest: string;
    readonly exportedSecret: string;
    readonly response: string;
    readonly sealedResponse: string;
  }>;
}

interface Decoded {
  readonly method?: string;
  readonly status?: number;
  readonly headers: ReadonlyArray<readonly [string, string]>;
  readonly body: string;
}

async function readReply(bytes: Uint8Array) {
  const reply = await readResponse(inPieces(bytes));
  return { ...reply, content: await joined(reply.content) };
}

describeReal("vectors of others", () => {
  test("RFC 9458, appendix A", async () => {
    const { skR, config, sealed, request, sealedResponse, response, exportedSecret } =
      read<Appendix>("rfc9458-appendix-a");
    const keys = await keysOf(config, skR);
    const opened = await openRequest(decodeHex(sealed), (id) => (id === 1 ? keys : undefined), "whole");
    expect(encodeHex(opened.message)).toBe(request);
    expect(encodeHex(await openReply("whole", exportedSecret, sealed, sealedResponse))).toBe(response);
  });

  test("draft-ietf-ohai-chunked-ohttp-08, appendix A", async () => {
    const vector = read<Appendix>("chunked-ohttp-08-appendix-a");
    const keys = await keysOf(vector.keyConfig, vector.skR);
    const opened = await openRequest(decodeHex(vector.encapsulatedRequest), (id) =>
      id === 1 ? keys : undefined,
    );
    expect(encodeHex(opened.message)).toBe(vector.request);
    const reply = await openReply(
      "chunked",
      vector.secret,
      vector.encapsulatedRequest,
      vector.encapsulatedResponse,
    );
    expect(encodeHex(reply)).toBe(vector.response);
  });

  test("the key configuration as the draft prints it, with a byte after its end, is refused", () => {
    const entry = decodeHex(`${read<Appendix>("chunked-ohttp-08-appendix-a").keyConfig}00`);
    const list = concatBytes(Uint8Array.of(0, entry.length), entry);
    expect(() => parseKeyConfigurations(list)).toThrow(MalformedError);
  });

  describe("requests and replies of the Rust crates", () => {
    const { keys, requests } =
      process.env.TOUCHSTONE_REAL_DATA === undefined ? { keys: [], requests: [] } : read<Made>("made");
    test.each(requests)("$form, KEM $kem, AEAD $aead", async (made) => {
      const key = keys.find(({ kem, aead }) => kem === made.kem && aead === made.aead)!;
      const form = made.form === "single" ? "whole" : "chunked";
      const ours = made.kem === 0x20 && made.aead === 1;
      const configurations = parseKeyConfigurations(decodeHex(key.list));
      expect(configurations.map(({ id }) => id)).toEqual(ours ? [made.keyId] : []);
      const pair = ours ? await keysOf(key.config, key.privateKey) : await SUITE.GenerateKeyPair();
      const opening = openRequest(decodeHex(made.sealedRequest), () => pair, form);
      if (!ours) return expect(opening).rejects.toThrow(MalformedError);
      expect(encodeHex((await opening).message)).toBe(made.request);
      expect(await readRequest(decodeHex(made.request), MOST)).toMatchObject({
        method: "POST",
        authority: "llm.example",
      });
      const reply = await openReply(form, made.exportedSecret, made.sealedRequest, made.sealedResponse);
      expect(encodeHex(reply)).toBe(made.response);
      expect((await readReply(reply)).status).toBe(200);
    });
  });

  test("bad chunked requests", async () => {
    const { ikm, config, cases } = read<{
      ikm: string;
      config: string;
      cases: Array<{ name: string; message: string; expected: "opened" | "refused" }>;
    }>("bad-chunked-requests");
    const keys = await SUITE.DeriveKeyPair(decodeHex(ikm));
    expect(await SUITE.SerializePublicKey(keys.publicKey)).toEqual(configurationOf(config).publicKey);
    expect(cases.length).toBeGreaterThan(15);
    for (const { name, message, expected } of cases) {
      const opening = openRequest(decodeHex(message), (id) => (id === 7 ? keys : undefined));
      const found = await opening.then(
        () => "opened",
        () => "refused",
      );
      expect(found, name).toBe(expected);
    }
  });

  test("binary HTTP messages of the prototype", async () => {
    const { bhttp } = read<{ bhttp: Array<{ name: string; message: string } & Decoded> }>("made");
    for (const { name, message, headers, body } of bhttp) {
      const bytes = decodeHex(message);
      const { fields, content } = name.startsWith("request")
        ? await readRequest(bytes, MOST)
        : await readReply(bytes);
      expect({ fields, body: encodeHex(content) }, name).toEqual({ fields: headers, body });
    }
  });

  test("binary HTTP messages, good and bad", async () => {
    const { good, bad } = read<{
      good: Array<{ name: string; message: string; decoded: Decoded }>;
      bad: Array<{ name: string; message: string }>;
    }>("rfc9292");
    for (const { name, message, decoded } of good) {
      const bytes = decodeHex(message);
      if (decoded.status === undefined) {
        const request = await readRequest(bytes, MOST);
        expect(request, name).toMatchObject({ method: decoded.method, fields: decoded.headers });
        expect(encodeHex(encodeRequest(request, "known")), name).toBe(message);
      } else {
        const { status, fields, content } = await readReply(bytes);
        expect({ status, fields, content: encodeHex(content) }, name).toEqual({
          status: decoded.status,
          fields: decoded.headers,
          content: decoded.body,
        });
      }
    }
    for (const { name, message } of bad) {
      const bytes = decodeHex(message);
      await expect(readRequest(bytes, MOST), name).rejects.toThrow(MalformedError);
      await expect(readReply(bytes), name).rejects.toThrow(MalformedError);
    }
  });
});
