// Keeps entry bundles ready to send (C2SP tlog-tiles): each is assembled and compressed once, then kept in memory, and a full one in a file
// beside the log. They are what auditors and mirrors read, half a megabyte out of 256 rows.
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { LRUCache } from "lru-cache";
import type { PublishedLog } from "../../log/published-log.ts";
import type { FileCache } from "../../node/file-cache.ts";
import { nativeSha256 } from "../../node/sha256.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { TILE_WIDTH } from "../../protocol/merkle/tile.ts";
import { etagOf } from "../http/encoded-body.ts";
import { oneATurn } from "../http/one-a-turn.ts";
import { etagsFrom, formatBundleFile, type KeptBundle, parseBundleFile } from "./bundle-file.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type Log = Pick<PublishedLog, "tile" | "entryBundle">;

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** Compressed full bundles in memory, bytes, of all logs of a process. Auditors read each once, but several of them read side by side. */
const KEPT_FULL_BYTES = 8 * 1024 * 1024;
/** Compressed partial ones: there is one for each size of the tree, and the newest alone is asked for. */
const KEPT_PARTIAL_BYTES = 4 * 1024 * 1024;
/** Plain ones, for those who take no gzip: about 8. */
const KEPT_PLAIN_BYTES = 4 * 1024 * 1024;
/** How much of its memory one bundle may take: those of a log of large entries are kept, too, since a partial one is made anew else for whoever asks. */
const SHARE = 1 / 2;
/** Bytes of a whole bundle: what a file must not decompress to that somebody put there. */
const MAX_BUNDLE_BYTES = TILE_WIDTH * (2 + 65_535);

/** What is kept in memory, of one log or of several. */
export class BundleMemory {
  readonly full = keeping(KEPT_FULL_BYTES);
  readonly partial = keeping(KEPT_PARTIAL_BYTES);
  readonly plain = new LRUCache<KeptBundle, Bytes>({
    maxSize: KEPT_PLAIN_BYTES,
    maxEntrySize: KEPT_PLAIN_BYTES * SHARE,
    sizeCalculation: ({ length }) => length,
  });
}

export class EntryBundles {
  readonly #log: Log;
  readonly #files: FileCache | null;
  readonly #memory: BundleMemory;
  readonly #origin: string;
  readonly #making = new Map<string, Promise<KeptBundle | undefined>>();
  /** A turn of the event loop assembles one bundle, which takes two milliseconds. */
  readonly #nextTurn = oneATurn();

  /**
   * @param files where full bundles are kept over a restart; null keeps them in memory alone.
   * @param shared the memory that is shared with other logs, in which bundles are told apart by their log's origin.
   */
  constructor(
    log: Log,
    files: FileCache | null,
    { memory = new BundleMemory(), origin = "" }: { memory?: BundleMemory; origin?: string } = {},
  ) {
    this.#log = log;
    this.#files = files;
    this.#memory = memory;
    this.#origin = origin;
  }

  /** Undefined where the published tree has no bundle of this width. */
  async get(index: number, width: number): Promise<KeptBundle | undefined> {
    const key = `${index}.${width} ${this.#origin}`;
    const kept = this.#keptWith(width).get(key);
    if (kept !== undefined) return kept;
    const making = this.#making.get(key) ?? this.#make(index, width);
    this.#making.set(key, making);
    try {
      const made = await making;
      if (made !== undefined) this.#keptWith(width).set(key, made);
      return made;
    } finally {
      this.#making.delete(key);
    }
  }

  /** The plain bytes of a bundle that is kept. */
  async plain(bundle: KeptBundle): Promise<Bytes> {
    const kept = this.#memory.plain.get(bundle);
    if (kept !== undefined) return kept;
    const plain = new Uint8Array(await decompress(bundle.gzipped, { maxOutputLength: MAX_BUNDLE_BYTES }));
    this.#memory.plain.set(bundle, plain);
    return plain;
  }

  #keptWith(width: number): LRUCache<string, KeptBundle> {
    return width === TILE_WIDTH ? this.#memory.full : this.#memory.partial;
  }

  async #make(index: number, width: number): Promise<KeptBundle | undefined> {
    const name = width === TILE_WIDTH ? await this.#nameOf(index) : undefined;
    const stored = name === undefined ? undefined : await this.#readFile(name);
    if (stored !== undefined) return stored;
    const plain = await this.#nextTurn(() => this.#log.entryBundle(index, width));
    if (plain === undefined) return undefined;
    const made = { gzipped: new Uint8Array(await compress(plain)), etags: etagsFrom(etagOf(plain)) };
    if (name !== undefined) await this.#files?.write(name, formatBundleFile(made));
    return made;
  }

  /** By the hashes of its entries, so that a file is never of another log, or of this one before it was restored. */
  async #nameOf(index: number): Promise<string | undefined> {
    const hashes = this.#files && (await this.#log.tile(0, index, TILE_WIDTH));
    return hashes ? `${encodeHex(nativeSha256(hashes))}.bundle` : undefined;
  }

  async #readFile(name: string): Promise<KeptBundle | undefined> {
    const bytes = await this.#files?.read(name);
    if (bytes === undefined) return undefined;
    const bundle = parseBundleFile(bytes);
    if (bundle === undefined) await this.#files?.remove(name);
    return bundle;
  }
}

function keeping(bytes: number): LRUCache<string, KeptBundle> {
  return new LRUCache({
    maxSize: bytes,
    maxEntrySize: bytes * SHARE,
    sizeCalculation: ({ gzipped }) => gzipped.length,
  });
}
