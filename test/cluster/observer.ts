// Keeps everything that the processes of a log have ever acknowledged and shown, and holds the log against it.
import { expect } from "vitest";
import { type Envelope, envelopeToJson, parseLeaf } from "../../src/protocol/envelope/dsse.ts";
import { entriesPath, tilePath } from "../../src/protocol/merkle/tile.ts";
import { parseCheckpoint } from "../../src/protocol/note/checkpoint.ts";
import { parseNote } from "../../src/protocol/note/signed-note.ts";
import { auditAsStranger } from "../support/stranger.ts";

export class Observer {
  readonly #logPolicy: string;
  /** Payload digests by index. */
  readonly acknowledged = new Map<number, string>();
  readonly #shown = new Set<string>();

  constructor(logPolicy: string) {
    this.#logPolicy = logPolicy;
  }

  /** Sends an entry. @returns the status of the answer, with the code of a problem; "none" where nobody answers. */
  /** @param counts the highest status that is a promise: 202 is one of the database alone, that it has the entry. */
  async publish(url: string, entry: Envelope, counts: 201 | 202 = 202): Promise<string> {
    try {
      const response = await fetch(`${url}/v1/entries`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(envelopeToJson(entry)),
        signal: AbortSignal.timeout(30_000),
      });
      const body = (await response.json()) as { index?: number; proof?: string; code?: string };
      if (response.status <= counts && body.index !== undefined)
        this.acknowledged.set(body.index, entry.payloadDigest);
      if (body.proof !== undefined) this.#shown.add(body.proof.slice(body.proof.indexOf("\n\n") + 2));
      return body.code === undefined ? `${response.status}` : `${response.status} ${body.code}`;
    } catch {
      return "none";
    }
  }

  /** Not smaller than any that was shown. */
  async #checkpoint(url: string): Promise<string> {
    const sizes = [...this.#shown].map((note) => parseCheckpoint(parseNote(note).text).size);
    const response = await fetch(`${url}/checkpoint`, {
      headers: { "touchstone-min-size": `${Math.max(0, ...sizes)}` },
      signal: AbortSignal.timeout(20_000),
    });
    const note = await response.text();
    if (response.status === 200) this.#shown.add(note);
    return note;
  }

  /** Reads the whole log from one process, as a stranger, against everything that was ever said: nothing is lost, and nothing forked. */
  async audit(url: string): Promise<void> {
    const note = await this.#checkpoint(url);
    const checkpoint = parseCheckpoint(parseNote(note).text);
    const read = async (path: string) => {
      const response = await fetch(`${url}/${path}`);
      return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
    };
    const log = {
      published: () => ({ note, checkpoint }) as never,
      tile: (level: number, index: number, width: number) => read(tilePath(level, index, width)),
      entryBundle: (index: number, width: number) => read(entriesPath(index, width)),
    };
    const leaves = await auditAsStranger(log, this.#logPolicy, [...this.#shown]);
    const lost = [...this.acknowledged].filter(([index, digest]) => {
      const leaf = leaves[index];
      return leaf === undefined || parseLeaf(leaf).payloadDigest !== digest;
    });
    expect(lost, "acknowledged and lost").toEqual([]);
  }
}
