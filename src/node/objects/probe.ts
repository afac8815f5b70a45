// Finds out whether an S3-compatible server heeds the conditions of requests, by trying each on an object of its own: some ignore them
// without a word, and two writers would then overwrite each other.
import { randomBytes } from "node:crypto";
import { equalBytes } from "../../protocol/encoding/bytes.ts";
import { utf8 } from "../../protocol/encoding/text.ts";
import { ObjectStoreError } from "./object-store.ts";
import type { S3Answer, S3Request } from "./s3-client.ts";

/** How the server wants an entity tag in If-Match: as RFC 9110 writes it, or, as radosgw up to 16, without its quotes. */
export type TagForm = "quoted" | "plain";

type Ask = (request: S3Request) => Promise<S3Answer>;

/** Where objects for the trial stand for a moment. */
const FOLDER = "touchstone-probe";
const NO_TAG = "00000000000000000000000000000000";
const CREATED = "it makes an object by If-Match, which is to replace one";
const OVERWROTE = "it ignores If-Match, and overwrote an object";

/** @throws ObjectStoreError "storage-unsafe" naming the condition that is ignored, or does not work; "store-refuses". */
export async function probeConditions(place: string, ask: Ask): Promise<TagForm> {
  const key = `${FOLDER}/${randomBytes(8).toString("hex")}`;
  try {
    return await new Probe(place, ask, key).run();
  } finally {
    // What stays where this fails is a few bytes that nobody reads.
    await ask({ method: "DELETE", key }).catch(() => undefined);
  }
}

class Probe {
  readonly #place: string;
  readonly #ask: Ask;
  readonly #key: string;

  constructor(place: string, ask: Ask, key: string) {
    this.#place = place;
    this.#ask = ask;
    this.#key = key;
  }

  async run(): Promise<TagForm> {
    await this.#mustFail("0", { "if-match": `"${NO_TAG}"` }, CREATED);
    await this.#mustFail("0", { "if-match": NO_TAG }, CREATED);
    const created = await this.#put("1", { "if-none-match": "*" });
    const first = await this.#ask({ method: "GET", key: this.#key });
    // It is there though the answer was lost, and asking again found it: as good.
    if (!holds(first, "1")) this.#refuseAnswer(created);
    await this.#mustFail(
      "2",
      { "if-none-match": "*" },
      "it ignores If-None-Match: *, and overwrote an object",
    );
    await this.#mustFail("3", { "if-match": `"${NO_TAG}"` }, OVERWROTE);
    await this.#mustFail("3", { "if-match": NO_TAG }, OVERWROTE);
    return this.#findForm(first.headers.get("etag")?.replace(/^"|"$/g, ""));
  }

  async #findForm(tag: string | undefined): Promise<TagForm> {
    if (tag === undefined) this.#refuse("it gives no entity tag for what was written");
    for (const form of ["quoted", "plain"] as const) {
      await this.#put("4", { "if-match": form === "quoted" ? `"${tag}"` : tag });
      const there = await this.#ask({ method: "GET", key: this.#key });
      if (holds(there, "4")) return form;
      if (!holds(there, "1")) this.#refuse("it did not keep what was written last");
    }
    return this.#refuse("it replaces nothing by If-Match with the entity tag that it gave");
  }

  async #mustFail(text: string, headers: Record<string, string>, otherwise: string): Promise<void> {
    if (isOk(await this.#put(text, headers))) this.#refuse(otherwise);
  }

  #put(text: string, headers: Record<string, string>): Promise<S3Answer> {
    return this.#ask({ method: "PUT", key: this.#key, headers, body: utf8(text) });
  }

  #refuseAnswer({ status, code }: S3Answer): never {
    throw new ObjectStoreError(
      "store-refuses",
      `${this.#place}: an object cannot be created: answered ${code === null ? status : `${status} ${code}`}`,
    );
  }

  #refuse(what: string): never {
    throw new ObjectStoreError(
      "storage-unsafe",
      `${this.#place} is no safe place: ${what}. Take a server that heeds conditional writes, as AWS S3, Ceph and newer versions of MinIO do`,
    );
  }
}

function holds({ status, body }: S3Answer, text: string): boolean {
  return status === 200 && equalBytes(body, utf8(text));
}

function isOk({ status }: S3Answer): boolean {
  return status >= 200 && status < 300;
}
