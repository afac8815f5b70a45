// Seals a request to a key, and opens the reply (RFC 9458 §4.3, §4.4; draft-ietf-ohai-chunked-ohttp-08 §6).
import { concatBytes } from "../../protocol/encoding/bytes.ts";
import { utf8 } from "../../protocol/encoding/text.ts";
import { ByteSource } from "../byte-source.ts";
import { openChunks, sealEnd, sealInner } from "./chunks.ts";
import { FORMS, type Form } from "./form.ts";
import { headerOf, type KeyConfiguration } from "./key-configuration.ts";
import { ResponseCipher } from "./response-cipher.ts";
import { RESPONSE_NONCE_LENGTH, SUITE, TAG_LENGTH } from "./suite.ts";

export interface SealedRequest {
  readonly body: Uint8Array;
  /**
   * Opens the body of the reply as it arrives. @throws MalformedError or VerificationError, also after useful parts, where it was cut or
   * changed: only when this ends was it all.
   */
  openResponse(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void>;
}

/** Most bytes of a reply in the whole form: it is kept in memory until it opens. */
const MAX_WHOLE_RESPONSE = 16 * 1024 * 1024;

/** @param message a binary HTTP request. */
export async function sealRequest(
  { id, publicKey }: KeyConfiguration,
  message: Uint8Array,
  form: Form = "chunked",
): Promise<SealedRequest> {
  const header = headerOf(id);
  const { requestLabel, responseLabel } = FORMS[form];
  const info = concatBytes(utf8(`${requestLabel}\0`), header);
  const key = await SUITE.DeserializePublicKey(publicKey);
  const { encapsulatedSecret, ctx } = await SUITE.SetupSender(key, { info });
  const seal = (chunk: Uint8Array, additionalData: Uint8Array) => ctx.Seal(chunk, additionalData);
  const sealed =
    form === "whole" ? [await ctx.Seal(message)] : [await sealInner(message, seal), await sealEnd(seal)];
  return {
    body: concatBytes(header, encapsulatedSecret, ...sealed),
    async *openResponse(pieces) {
      const source = new ByteSource(pieces, "sealed reply");
      const nonce = await source.take(RESPONSE_NONCE_LENGTH, "nonce");
      const cipher = await ResponseCipher.derive(ctx, responseLabel, encapsulatedSecret, nonce);
      if (form === "chunked") yield* openChunks(source, (chunk, data) => cipher.open(chunk, data));
      else
        yield await cipher.open(
          await source.rest(MAX_WHOLE_RESPONSE + TAG_LENGTH, "reply"),
          new Uint8Array(),
        );
    },
  };
}
