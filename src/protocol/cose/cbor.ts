// Writes CBOR in its core deterministic encoding (RFC 8949 §4.2.1), and reads CBOR that has one reading.
import {
  type DecodeOptions,
  decode,
  encode,
  rfc8949EncodeOptions,
  Tagged,
  type Token,
  Tokenizer,
  Type,
} from "cborg";
import { equalBytes } from "../encoding/bytes.ts";
import { MalformedError } from "../errors.ts";

/** What CBOR is made of here. A Map keeps integer keys. */
export type Cbor =
  | string
  | number
  | boolean
  | null
  | Uint8Array
  | Tagged
  | readonly Cbor[]
  | ReadonlyMap<string | number, Cbor>;

export function encodeCbor(value: Cbor): Uint8Array<ArrayBuffer> {
  return encode(value, rfc8949EncodeOptions);
}

/** A map from pairs, without those whose value is undefined. */
export function map(...pairs: ReadonlyArray<readonly [string | number, Cbor | undefined]>) {
  return new Map(pairs.filter((pair): pair is readonly [string | number, Cbor] => pair[1] !== undefined));
}

/**
 * Reads CBOR in definite and shortest lengths, without duplicate keys, and with nothing after the end.
 * @param Tokens what reads the items, and may refuse some.
 * @throws MalformedError naming `format`, whatever is wrong.
 */
export function decodeStrictCbor(
  bytes: Uint8Array,
  format: string,
  options: DecodeOptions = {},
  Tokens: typeof Tokenizer = Tokenizer,
): unknown {
  const strict = {
    ...options,
    strict: true,
    allowIndefinite: false,
    rejectDuplicateMapKeys: true,
    allowUndefined: false,
  };
  // What is cut out of a Buffer would be Buffers.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  try {
    return decode(plain, { ...strict, tokenizer: new Tokens(plain, strict) });
  } catch (error) {
    throw new MalformedError(format, error instanceof Error ? error.message : "not CBOR");
  }
}

/** Items of a document in one encoding: what is nested is read by functions that call themselves. */
const MAX_ITEMS = 1024;

/**
 * Reads CBOR in its core deterministic encoding and in no other: what is read is written again, and must be the same bytes.
 * @param tags those that may stand in it; each is read as cborg's `Tagged`, and maps as `Map`.
 * @throws MalformedError naming `format`, also for more than 1,024 items.
 */
export function decodeDeterministicCbor(
  bytes: Uint8Array,
  format: string,
  tags: readonly number[] = [],
): unknown {
  const options: DecodeOptions = {
    useMaps: true,
    allowBigInt: false,
    allowNaN: false,
    allowInfinity: false,
    tags: Object.fromEntries(tags.map((tag) => [tag, Tagged.decoder(tag)])),
  };
  const value = decodeStrictCbor(bytes, format, options, FewItems);
  if (!equalBytes(writeAgain(value, format), bytes))
    throw new MalformedError(format, "not in the core deterministic encoding of RFC 8949");
  return value;
}

/** A floating-point number can be equal to an integer, and is another label to every other reader. */
export class NoFractions extends Tokenizer {
  override next(): Token {
    const token = super.next();
    if (token.type === Type.float) throw new Error("a floating-point number");
    return token;
  }
}

class FewItems extends Tokenizer {
  #items = 0;

  override next(): Token {
    this.#items += 1;
    if (this.#items > MAX_ITEMS) throw new Error(`more than ${MAX_ITEMS} items`);
    return super.next();
  }
}

function writeAgain(value: unknown, format: string): Uint8Array {
  try {
    return encodeCbor(value as Cbor);
  } catch (error) {
    throw new MalformedError(format, error instanceof Error ? error.message : "not CBOR");
  }
}
