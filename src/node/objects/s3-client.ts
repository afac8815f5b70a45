// Sends single signed requests to S3-compatible storage (AWS Signature Version 4), each with a deadline. Neither key is in any error.
import { AwsV4Signer } from "aws4fetch";
import { concatBytes } from "../../protocol/encoding/bytes.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { nativeSha256 } from "../sha256.ts";
import { ObjectStoreError } from "./object-store.ts";

export interface S3Options {
  /** Such as https://s3.eu-central-1.amazonaws.com; the bucket is a part of the path. */
  readonly endpoint: string;
  readonly bucket: string;
  /** Empty, or parts of keys that each end with a slash. */
  readonly prefix: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly fetch: typeof fetch;
  readonly clock: () => Date;
  /** Ends what is under way, and whatever is asked later. */
  readonly signal?: AbortSignal;
  /** Time for one request; an upload gets a second more for each 64 KiB. */
  readonly timeoutMs?: number;
  /** Pauses before the second and later attempts of what may pass. */
  readonly retryDelaysMs?: readonly number[];
}

export interface S3Request {
  readonly method: "GET" | "PUT" | "DELETE";
  /** Key in the bucket, with the prefix; "" asks the bucket itself. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

export interface S3Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
  /** The server's word for what is wrong, such as NoSuchBucket; null where it gives none. */
  readonly code: string | null;
}

const TIMEOUT_MS = 10_000;
const BYTES_A_SECOND = 65_536;
/** More than an entry bundle or an attachment can have. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
/** Of printable ASCII: anything else in a header field would be repeated by the error that refuses it. */
const ACCESS_KEY = /^[A-Za-z0-9._~+=@-]{1,128}$/;
const SECRET_KEY = /^[\x21-\x7e]{1,512}$/;

export class S3Client {
  /** Endpoint and bucket, for messages. */
  readonly place: string;
  readonly #options: S3Options;
  /** Keys for signing, one a day. */
  readonly #cache = new Map<string, ArrayBuffer>();

  /** @throws ObjectStoreError "store-refuses" for keys that cannot be some, which it does not repeat. */
  constructor(options: S3Options) {
    if (!ACCESS_KEY.test(options.accessKey) || !SECRET_KEY.test(options.secretKey))
      throw new ObjectStoreError(
        "store-refuses",
        "the access key or the secret key of the object store has a character that no such key has",
      );
    this.#options = options;
    this.place = `${options.endpoint.replace(/\/+$/, "")}/${options.bucket}`;
  }

  /** @returns the answer, whatever its status. @throws ObjectStoreError "store-unreachable", "object-unreadable", "store-refuses" for a redirection. */
  async send(request: S3Request): Promise<S3Answer> {
    const { fetch, timeoutMs = TIMEOUT_MS, signal: stop } = this.#options;
    const { url, ...signed } = await this.#sign(request);
    const uploadMs = Math.ceil((request.body?.length ?? 0) / BYTES_A_SECOND) * 1000;
    const timeout = AbortSignal.timeout(timeoutMs + uploadMs);
    const signal = stop === undefined ? timeout : AbortSignal.any([timeout, stop]);
    try {
      const response = await fetch(url, { ...signed, redirect: "manual", signal });
      if (response.status >= 300 && response.status < 400) return await this.#refuseMoved(response);
      const body = await readBody(response);
      const code = response.ok ? null : codeIn(body);
      return { status: response.status, headers: response.headers, body, code };
    } catch (error) {
      if (error instanceof ObjectStoreError) throw error;
      if (isUnreadable(error))
        throw new ObjectStoreError("object-unreadable", `${this.place}/${request.key}: ${reasonOf(error)}`);
      const why = timeout.aborted ? "no answer in time" : reasonOf(error);
      throw new ObjectStoreError("store-unreachable", `${this.place}: ${why}`);
    }
  }

  async #sign({ method, key, query = {}, headers = {}, body }: S3Request) {
    const { accessKey, secretKey, region, clock } = this.#options;
    const signer = new AwsV4Signer({
      method,
      url: `${this.place}${key === "" ? "" : `/${key}`}${key === "" ? `?${new URLSearchParams(query)}` : ""}`,
      headers: { ...headers, "x-amz-content-sha256": encodeHex(nativeSha256(body ?? new Uint8Array())) },
      body: (body as Uint8Array<ArrayBuffer>) ?? null,
      accessKeyId: accessKey,
      secretAccessKey: secretKey,
      service: "s3",
      region,
      datetime: clock()
        .toISOString()
        .replace(/[:-]|\.\d{3}/g, ""),
      cache: this.#cache,
    });
    return signer.sign();
  }

  /** Whoever follows one shows a signed request to a place that nobody has configured. */
  async #refuseMoved(response: Response): Promise<never> {
    await response.body?.cancel();
    throw new ObjectStoreError(
      "store-refuses",
      `${this.place}: answered ${response.status}, and names another address, which is not followed: set endpoint and region of the bucket`,
    );
  }
}

async function readBody(response: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > MAX_ANSWER_BYTES) throw new TooLongError(`an answer of more than ${MAX_ANSWER_BYTES} bytes`);
    parts.push(part);
  }
  return concatBytes(...parts);
}

/** Nothing else of an error document is shown: some repeat what was signed. */
function codeIn(body: Uint8Array): string | null {
  try {
    return /<Code>([A-Za-z0-9.]{1,64})<\/Code>/.exec(decodeUtf8(body))?.[1] ?? null;
  } catch {
    return null;
  }
}

class TooLongError extends Error {}

/** zlib's own codes begin with Z_ (node:zlib, "Constants"). */
function isUnreadable(error: unknown): boolean {
  const { cause } = error as { cause?: NodeJS.ErrnoException };
  return error instanceof TooLongError || cause?.code?.startsWith("Z_") === true;
}

/** undici says why in the cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error && cause.message !== "" ? cause.message : message;
}
