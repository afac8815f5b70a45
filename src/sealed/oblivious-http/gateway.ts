// Opens a sealed request and seals the reply: the other end of client.ts, inside the machine (RFC 9458 §4.3, §4.4).
import type { CryptoKey, KeyPair, RecipientContext } from "hpke";
import { concatBytes, equalBytes } from "../../protocol/encoding/bytes.ts";
import { utf8 } from "../../protocol/encoding/text.ts";
import { MalformedError, VerificationError } from "../../protocol/errors.ts";
import { ByteSource } from "../byte-source.ts";
import { openChunks, sealEnd, sealInner } from "./chunks.ts";
import { FORMS, type Form } from "./form.ts";
import { headerOf } from "./key-configuration.ts";
import { ResponseCipher, type SealedCode } from "./response-cipher.ts";
import { KEY_LENGTH, RESPONSE_NONCE_LENGTH, SUITE } from "./suite.ts";

/** The keys of which requests are sealed to the public one. */
export type GatewayKeys = KeyPair<CryptoKey>;

export interface OpenedRequest {
  /** A binary HTTP request, not read yet. */
  readonly message: Uint8Array;
  /** The encapsulated key, which no two requests share: whoever has seen it before is shown the request a second time. */
  readonly encapsulated: Uint8Array;
  /** Begins the reply. */
  sealResponse(): Promise<SealingResponse>;
}

/** The parts of a sealed reply, to be sent one after the other. */
export interface SealingResponse {
  readonly nonce: Uint8Array;
  /** What is read next of the reply, as chunks. */
  part(bytes: Uint8Array): Promise<Uint8Array>;
  /** Closes a reply in chunks. Without it a reader takes the reply for one that was cut. */
  end(): Promise<Uint8Array>;
  /** Seals a reply of the whole form. */
  whole(bytes: Uint8Array): Promise<Uint8Array>;
}

const HEADER_LENGTH = 7;

/**
 * @param keyOf the pair of keys with this number, if it still opens anything.
 * @throws MalformedError or VerificationError "sealed-message". A gateway tells a client the same for both.
 */
export async function openRequest(
  body: Uint8Array,
  keyOf: (id: number) => GatewayKeys | undefined,
  form: Form = "chunked",
): Promise<OpenedRequest> {
  const source = ByteSource.of(body, "sealed request");
  const header = await source.take(HEADER_LENGTH, "header");
  const [id = 0] = header;
  const pair = keyOf(id);
  if (pair === undefined) throw doesNotOpen("no key has this number");
  if (!equalBytes(header, headerOf(id))) throw new MalformedError("sealed request", "of another suite");
  const encapsulated = await source.take(KEY_LENGTH, "encapsulated key");
  const { requestLabel, responseLabel } = FORMS[form];
  const info = concatBytes(utf8(`${requestLabel}\0`), header);
  const context = await setUp(pair, encapsulated, info);
  const message = await openAll(source, context, form, body.length);
  return { message, encapsulated, sealResponse: () => begin(context, responseLabel, encapsulated) };
}

async function setUp(
  pair: GatewayKeys,
  encapsulated: Uint8Array,
  info: Uint8Array,
): Promise<RecipientContext> {
  try {
    return await SUITE.SetupRecipient(pair, encapsulated, { info });
  } catch {
    throw doesNotOpen("its key is none");
  }
}

async function openAll(
  source: ByteSource,
  context: RecipientContext,
  form: Form,
  most: number,
): Promise<Uint8Array> {
  async function open(chunk: Uint8Array, additionalData: Uint8Array): Promise<Uint8Array> {
    try {
      return await context.Open(chunk, additionalData);
    } catch {
      throw doesNotOpen("it was changed, or cut, or sealed to another key");
    }
  }
  if (form === "whole") return open(await source.rest(most, "request"), new Uint8Array());
  const parts: Uint8Array[] = [];
  for await (const part of openChunks(source, open)) parts.push(part);
  return concatBytes(...parts);
}

async function begin(
  context: RecipientContext,
  label: string,
  encapsulated: Uint8Array,
): Promise<SealingResponse> {
  const nonce = crypto.getRandomValues(new Uint8Array(RESPONSE_NONCE_LENGTH));
  const cipher = await ResponseCipher.derive(context, label, encapsulated, nonce);
  const seal = (chunk: Uint8Array, additionalData: Uint8Array) => cipher.seal(chunk, additionalData);
  return {
    nonce,
    part: (bytes) => sealInner(bytes, seal),
    end: () => sealEnd(seal),
    whole: (bytes) => cipher.seal(bytes, new Uint8Array()),
  };
}

function doesNotOpen(why: string): VerificationError<SealedCode> {
  return new VerificationError("sealed-message", `the request does not open: ${why}`);
}
