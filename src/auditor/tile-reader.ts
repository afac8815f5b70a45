// Reads the read path of a log (C2SP tlog-tiles), with every answer brought into the form that its path promises.

import { confirmationPath } from "../log/maintenance/confirmation-path.ts";
import type { ReadPath } from "../log/maintenance/recover.ts";
import { GrowingTree } from "../log/tree/growing-tree.ts";
import { Prover } from "../log/tree/prover.ts";
import { nativeSha256 } from "../node/sha256.ts";
import { encodeHex } from "../protocol/encoding/hex.ts";
import { decodeUtf8 } from "../protocol/encoding/text.ts";
import { MalformedError } from "../protocol/errors.ts";
import { HASH_LENGTH } from "../protocol/merkle/hash.ts";
import { entriesPath, parseEntryBundle, TILE_WIDTH, tilePath, tileWidth } from "../protocol/merkle/tile.ts";
import { RefusedError } from "../verifier/service-errors.ts";
import { WrongAnswerError } from "./audit-finding.ts";

export class TileReader {
  readonly #read: ReadPath;

  constructor(read: ReadPath) {
    this.#read = read;
  }

  /**
   * The signed note.
   * @param seen size of the tree that was seen before.
   * @throws RefusedError where there is none: then there is no log; MalformedError.
   */
  async checkpoint(seen?: number): Promise<string> {
    const bytes = await this.#read("checkpoint", seen);
    if (bytes === undefined)
      throw new RefusedError(404, null, "there is no checkpoint: this is not the prefix of a log");
    return decodeUtf8(bytes);
  }

  /** `width` hashes of 32 bytes, 1 to 256. @throws WrongAnswerError. */
  async tile(level: number, index: number, width: number): Promise<Uint8Array> {
    const path = (w: number) => tilePath(level, index, w);
    const answer = await this.#widest(path, width);
    if (answer === undefined) throw new WrongAnswerError("tile-missing", `there is no ${path(width)}`);
    if (answer.bytes.length !== answer.width * HASH_LENGTH) {
      throw new WrongAnswerError(
        "tile-malformed",
        `${path(answer.width)} has ${answer.bytes.length} bytes, not ${answer.width * HASH_LENGTH}`,
      );
    }
    return answer.bytes.subarray(0, width * HASH_LENGTH);
  }

  /** The first `width` entries of a bundle, 1 to 256. @throws WrongAnswerError. */
  async bundle(index: number, width: number): Promise<Uint8Array[]> {
    const path = (w: number) => entriesPath(index, w);
    const answer = await this.#widest(path, width);
    if (answer === undefined) throw new WrongAnswerError("bundle-missing", `there is no ${path(width)}`);
    try {
      return parseEntryBundle(answer.bytes, answer.width).slice(0, width);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      throw new WrongAnswerError("bundle-malformed", `${path(answer.width)}: ${error.message}`);
    }
  }

  /** The bytes with this SHA-256 (hex). @throws WrongAnswerError also when they have another one. */
  async attachment(digest: string): Promise<Uint8Array> {
    const bytes = await this.#read(`v1/attachments/sha256/${digest}`);
    if (bytes === undefined)
      throw new WrongAnswerError("attachment-missing", `there is no attachment ${digest}`);
    if (encodeHex(nativeSha256(bytes)) !== digest)
      throw new WrongAnswerError("attachment-differs", `attachment ${digest} has other bytes`);
    return bytes;
  }

  /** The signed note that the log shows as the first over an entry with an identity. @throws MalformedError where it is no text. */
  async confirmation(index: number): Promise<string | undefined> {
    const bytes = await this.#read(confirmationPath(index));
    return bytes && decodeUtf8(bytes);
  }

  /** Makes proofs out of the tiles of the tree of this size. They prove nothing until they are verified. */
  prover(size: number): Prover {
    const readTile = async (level: number, index: number) => ({
      hashes: await this.tile(level, index, tileWidth(level, index, size)),
      inner: null,
    });
    return new Prover({ readTile, readLeaves: async () => [] }, () => GrowingTree.empty());
  }

  /** A log may drop a partial tile or bundle once the full one is there. */
  async #widest(
    path: (width: number) => string,
    width: number,
  ): Promise<{ bytes: Uint8Array; width: number } | undefined> {
    const bytes = await this.#read(path(width));
    if (bytes !== undefined) return { bytes, width };
    const full = width === TILE_WIDTH ? undefined : await this.#read(path(TILE_WIDTH));
    return full && { bytes: full, width: TILE_WIDTH };
  }
}
