// Keeps objects in a bucket of S3-compatible storage. What stands there is guarded by the conditions of HTTP (RFC 9110 §13.1): created where
// there is nothing, replaced where it is what was read. A server that ignores them is found out before anything is written.
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { readListing } from "./listing.ts";
import {
  isKey,
  type ListedObject,
  ObjectDiffersError,
  type ObjectMeta,
  ObjectMovedError,
  type ObjectStore,
  type ObjectStoreCode,
  ObjectStoreError,
  requireKey,
  type StoredObject,
} from "./object-store.ts";
import { probeConditions, type TagForm } from "./probe.ts";
import { type S3Answer, S3Client, type S3Options, type S3Request } from "./s3-client.ts";

const compress = promisify(gzip);
/** A page has up to a thousand objects: more than a log of a billion entries has. */
const MAX_PAGES = 20_000;
const RETRY_DELAYS_MS = [100, 400, 1600];
/** Too many requests, and a race that nobody has won yet: AWS answers 409 where two conditional requests meet. */
const MAY_PASS = new Set([408, 409, 425, 429]);

export class S3Store implements ObjectStore {
  readonly place: string;
  readonly #client: S3Client;
  readonly #prefix: string;
  readonly #delays: readonly number[];
  readonly #signal: AbortSignal | undefined;
  #form: Promise<TagForm> | null = null;

  constructor(options: S3Options) {
    this.#client = new S3Client(options);
    this.#prefix = options.prefix;
    this.#delays = options.retryDelaysMs ?? RETRY_DELAYS_MS;
    this.#signal = options.signal;
    this.place = `${this.#client.place}/${this.#prefix}`.replace(/\/$/, "");
  }

  /**
   * Tries out whether the server heeds conditions. Everything that writes does so first, if it was not done yet.
   * @throws ObjectStoreError "storage-unsafe" where it ignores one.
   */
  async probe(): Promise<void> {
    await this.#tagForm();
  }

  async get(key: string): Promise<StoredObject | undefined> {
    const answer = await this.#ask({ method: "GET", key: this.#keyOf(key) });
    if (isAbsent(answer)) return undefined;
    this.#requireOk(answer, key);
    return { bytes: answer.body, tag: tagOf(answer) ?? "" };
  }

  async putNew(key: string, bytes: Uint8Array, meta: ObjectMeta): Promise<"created" | "same"> {
    await this.#tagForm();
    const request = await putOf(this.#keyOf(key), bytes, meta, { "if-none-match": "*" });
    // Asking again is safe where no answer came: what was written the first time is then found there.
    const answer = await this.#ask(request);
    if (answer.status !== 412) {
      this.#requireOk(answer, key);
      return "created";
    }
    const there = await this.get(key).catch((error: Error) => {
      if (!isFault(error, "object-unreadable")) throw error;
    });
    if (!there || !equalBytes(there.bytes, bytes)) throw new ObjectDiffersError(this.place, key);
    return "same";
  }

  async replaceIf(key: string, bytes: Uint8Array, tag: string | null, meta: ObjectMeta): Promise<string> {
    const condition = await this.#conditionOf(tag);
    const request = await putOf(this.#keyOf(key), bytes, meta, condition);
    let isUnknown = false;
    for (const delay of [...this.#delays, null]) {
      const answer = await this.#try(request);
      if (answer !== null && !isConditionFailed(answer)) return this.#newTag(answer, key);
      if (answer !== null && !isUnknown) throw new ObjectMovedError(this.place, key);
      // No answer came, to this request or to one before it: it was written, or it was not, or somebody else was faster.
      isUnknown = true;
      const there = await this.#readBack(key);
      if (there !== undefined && equalBytes(there.bytes, bytes)) return there.tag;
      if (answer !== null || (there?.tag ?? null) !== tag) throw new ObjectMovedError(this.place, key);
      if (delay !== null) await this.#pause(delay);
    }
    throw this.#unknown(key);
  }

  async delete(key: string): Promise<void> {
    const answer = await this.#ask({ method: "DELETE", key: this.#keyOf(key) });
    if (!isAbsent(answer)) this.#requireOk(answer, key);
  }

  async list(prefix: string): Promise<ListedObject[]> {
    const listed: ListedObject[] = [];
    let next: string | null = null;
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const from: Record<string, string> = next === null ? {} : { "continuation-token": next };
      const query = { "list-type": "2", prefix: `${this.#prefix}${prefix}`, ...from };
      const answer = await this.#ask({ method: "GET", key: "", query });
      this.#requireOk(answer, prefix);
      const page = readListing(decodeUtf8(answer.body));
      for (const { key, modified } of page.objects) {
        const own = key.slice(this.#prefix.length);
        if (key.startsWith(this.#prefix) && isKey(own)) listed.push({ key: own, modified });
      }
      if (page.next === null) return listed;
      if (page.next === next) break;
      next = page.next;
    }
    throw new ObjectStoreError("store-refuses", `${this.place}: the list of its objects does not end`);
  }

  /** An object is durable once the server has said so. */
  async settle(): Promise<void> {}

  #keyOf(key: string): string {
    requireKey(key);
    return `${this.#prefix}${key}`;
  }

  #tagForm(): Promise<TagForm> {
    if (this.#form === null) {
      const probing = probeConditions(this.place, (request) =>
        this.#ask({ ...request, key: `${this.#prefix}${request.key}` }),
      );
      this.#form = probing;
      probing.catch(() => {
        this.#form = null;
      });
    }
    return this.#form;
  }

  async #conditionOf(tag: string | null): Promise<Record<string, string>> {
    const form = await this.#tagForm();
    if (tag === null) return { "if-none-match": "*" };
    return { "if-match": form === "quoted" ? `"${tag}"` : tag };
  }

  /** What may pass is asked for again, with growing pauses. @throws ObjectStoreError as the client. */
  async #ask(request: S3Request): Promise<S3Answer> {
    for (const delay of this.#delays) {
      const answer = await this.#try(request);
      if (answer !== null) return answer;
      await this.#pause(delay);
    }
    const answer = await this.#client.send(request);
    if (!mayPass(answer)) return answer;
    throw new ObjectStoreError("store-unreachable", `${this.place}: answered ${wordOf(answer)}`);
  }

  /** @returns null where nobody knows what came of it. */
  async #try(request: S3Request): Promise<S3Answer | null> {
    try {
      const answer = await this.#client.send(request);
      return mayPass(answer) ? null : answer;
    } catch (error) {
      if (isFault(error, "store-unreachable") || isFault(error, "object-unreadable")) return null;
      throw error;
    }
  }

  async #readBack(key: string): Promise<StoredObject | undefined> {
    try {
      return await this.get(key);
    } catch (error) {
      if (isFault(error, "store-unreachable")) throw this.#unknown(key);
      throw error;
    }
  }

  async #newTag(answer: S3Answer, key: string): Promise<string> {
    this.#requireOk(answer, key);
    const tag = tagOf(answer) ?? (await this.get(key))?.tag;
    if (tag === undefined) throw new ObjectMovedError(this.place, key);
    return tag;
  }

  #pause(ms: number): Promise<void> {
    if (this.#signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  #unknown(key: string): ObjectStoreError {
    return new ObjectStoreError(
      "outcome-unknown",
      `${this.place}/${key}: no answer came, and it is not known whether it was written`,
    );
  }

  #requireOk(answer: S3Answer, key: string): void {
    if (answer.status >= 200 && answer.status < 300) return;
    throw new ObjectStoreError(
      "store-refuses",
      `${this.place}/${key}: answered ${wordOf(answer)}${hintOf(answer)}`,
    );
  }
}

async function putOf(
  key: string,
  bytes: Uint8Array,
  { contentType, cacheControl, gzip }: ObjectMeta,
  condition: Record<string, string>,
): Promise<S3Request> {
  const coding: Record<string, string> = gzip ? { "content-encoding": "gzip" } : {};
  const headers = { "content-type": contentType, "cache-control": cacheControl, ...coding, ...condition };
  return { method: "PUT", key, headers, body: gzip ? await compress(bytes) : bytes };
}

function mayPass({ status }: S3Answer): boolean {
  return status >= 500 || MAY_PASS.has(status);
}

/** AWS answers 404 where the object is gone that was to be replaced. */
function isConditionFailed(answer: S3Answer): boolean {
  return answer.status === 412 || isAbsent(answer);
}

function isAbsent({ status, code }: S3Answer): boolean {
  return status === 404 && code !== "NoSuchBucket";
}

/** The entity tag without quotes; a proxy that compresses makes it a weak one. */
function tagOf({ headers }: S3Answer): string | undefined {
  return headers.get("etag")?.replace(/^(?:W\/)?"?|"$/g, "");
}

function isFault(error: unknown, code: ObjectStoreCode): boolean {
  return error instanceof ObjectStoreError && error.code === code;
}

function wordOf({ status, code }: S3Answer): string {
  return code === null ? String(status) : `${status} ${code}`;
}

function hintOf({ code }: S3Answer): string {
  if (code === "RequestTimeTooSkewed") return ": the clock of this machine is wrong";
  if (code === "SignatureDoesNotMatch") return ": the secret key or the region is wrong";
  return code === "NoSuchBucket" ? ": make the bucket first" : "";
}
