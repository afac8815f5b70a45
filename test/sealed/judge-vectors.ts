// Reads vectors of sealed messages: the keys in them, and the replies to requests whose own keys nobody has any more.
import { concatBytes } from "../../src/protocol/encoding/bytes.ts";
import { decodeHex } from "../../src/protocol/encoding/hex.ts";
import { ByteSource } from "../../src/sealed/byte-source.ts";
import { openChunks } from "../../src/sealed/oblivious-http/chunks.ts";
import { FORMS, type Form } from "../../src/sealed/oblivious-http/form.ts";
import type { GatewayKeys } from "../../src/sealed/oblivious-http/gateway.ts";
import { parseKeyConfigurations } from "../../src/sealed/oblivious-http/key-configuration.ts";
import { ResponseCipher } from "../../src/sealed/oblivious-http/response-cipher.ts";
import { SUITE } from "../../src/sealed/oblivious-http/suite.ts";
import { inPieces, joined } from "./pieces.ts";

/** The key of a configuration without its length, and what a list of it alone is. */
export function configurationOf(hex: string): { id: number; publicKey: Uint8Array } {
  const entry = decodeHex(hex);
  const [configuration] = parseKeyConfigurations(concatBytes(Uint8Array.of(0, entry.length), entry));
  if (configuration === undefined) throw new Error("the vector has no key of this suite");
  return configuration;
}

export async function keysOf(configuration: string, privateKey: string): Promise<GatewayKeys> {
  return {
    publicKey: await SUITE.DeserializePublicKey(configurationOf(configuration).publicKey),
    privateKey: await SUITE.DeserializePrivateKey(decodeHex(privateKey)),
  };
}

/** Opens a reply with what the context of its request exports, since the context itself cannot be written down. */
export async function openReply(
  form: Form,
  exported: string,
  sealedRequest: string,
  sealedResponse: string,
): Promise<Uint8Array> {
  const encapsulated = decodeHex(sealedRequest).subarray(7, 39);
  const reply = new ByteSource(inPieces(decodeHex(sealedResponse)), "sealed reply");
  const nonce = await reply.take(16, "nonce");
  const context = { Export: async () => decodeHex(exported) };
  const cipher = await ResponseCipher.derive(context, FORMS[form].responseLabel, encapsulated, nonce);
  if (form === "whole") return cipher.open(await reply.rest(1 << 20, "reply"), new Uint8Array());
  return joined(openChunks(reply, (chunk, data) => cipher.open(chunk, data)));
}
