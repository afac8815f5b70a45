// Asks a witness of others over HTTP (C2SP tlog-witness, add-checkpoint). Nothing that it answers is believed: the lines that it
// returns are verified like those of any cosigner.
import { encodeBase64 } from "../../protocol/encoding/base64.ts";
import { readStream } from "../../protocol/encoding/read-stream.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { printable } from "../../protocol/errors.ts";
import { parseCheckpoint, parseDecimal } from "../../protocol/note/checkpoint.ts";
import { parseNote } from "../../protocol/note/signed-note.ts";
import type { Cosigner, CosignRequest } from "./cosigner.ts";

/** A few signature lines, or a size: more than this is not an answer. */
const MAX_ANSWER_BYTES = 65_536;
/** Of the text with which it refuses, for log lines. */
const MAX_REASON_CHARACTERS = 300;

/** What a refusal means (C2SP tlog-witness, add-checkpoint), and what to do about it. */
const REFUSALS: Readonly<Record<number, string>> = {
  400: "it cannot read the request (is its URL that of another service?)",
  403: "it knows the origin, but no key that it has for it signed the checkpoint; give its operator the log's key",
  404: "it does not know the log's origin (or its URL is wrong); ask its operator to add the log",
  409: "it saw another tree of this size, or does not say which size it saw",
  422: "it saw another tree, of which this one is no continuation; find out who signed that before anything else",
};

export interface HttpWitnessOptions {
  /** Name of the witness in the trust root's tlog-policy, for log lines. */
  readonly name: string;
  /** Its submission prefix. */
  readonly url: string;
  readonly fetch: typeof fetch;
}

export class HttpWitness implements Cosigner {
  readonly name: string;
  readonly #url: string;
  readonly #fetch: typeof fetch;
  /** Size of the tree that it cosigned last, as far as we know: 0 asks it to say (409). */
  #size = 0;
  /** Calls so far, and what ends the newest of them. */
  #calls = 0;
  #newest: Promise<unknown> = Promise.resolve();

  constructor({ name, url, fetch }: HttpWitnessOptions) {
    this.name = name;
    this.#url = `${url.replace(/\/+$/, "")}/add-checkpoint`;
    this.#fetch = fetch;
  }

  /** It is asked one thing at a time. Of the calls that wait meanwhile only the last one asks: its checkpoint extends the others. */
  gather(request: CosignRequest, signal: AbortSignal): Promise<readonly string[]> {
    const call = ++this.#calls;
    const lines = this.#newest.then(() =>
      call === this.#calls && !signal.aborted ? this.#gather(request, signal) : [],
    );
    this.#newest = lines.catch(() => undefined);
    return lines;
  }

  /** Whoever claims to continue nothing is told what it saw; one that saw nothing cosigns the checkpoint. */
  async sizeSeen(note: string, signal: AbortSignal): Promise<number> {
    const body = `old 0\n\n${note}`;
    const response = await this.#fetch(this.#url, { method: "POST", body, redirect: "manual", signal });
    const answer = await readAnswer(response);
    if (response.status === 200) return parseCheckpoint(parseNote(note).text).size;
    const seen = response.status === 409 ? sizeIn(answer) : null;
    return seen ?? this.#fail(refusalOf(response, answer));
  }

  async #gather(request: CosignRequest, signal: AbortSignal): Promise<readonly string[]> {
    return (
      (await this.#ask(request, signal)) ??
      (await this.#ask(request, signal)) ??
      this.#fail("it says of two sizes in turn that it saw them last")
    );
  }

  /** @returns its lines, or undefined when it saw another size than we thought: ask again from that one. */
  async #ask(request: CosignRequest, signal: AbortSignal): Promise<readonly string[] | undefined> {
    const { size } = request.checkpoint;
    const response = await this.#fetch(this.#url, {
      method: "POST",
      body: await bodyOf(request, this.#size),
      redirect: "manual",
      signal,
    });
    const answer = await readAnswer(response);
    const seen = response.status === 409 ? sizeIn(answer) : null;
    if (seen !== null && seen > size) this.#fail(`it claims to have seen size ${seen}, the log has ${size}`);
    if (seen !== null && seen !== this.#size) {
      this.#size = seen;
      return undefined;
    }
    if (response.status !== 200) this.#fail(refusalOf(response, answer));
    this.#size = size;
    return decodeUtf8(answer).split(/(?<=\n)/);
  }

  /** The next call asks from nothing: of a size that only the witness believes in there is no proof, whatever the log grows to. */
  #fail(why: string): never {
    this.#size = 0;
    throw new Error(`witness ${this.name}: ${why}`);
  }
}

/** `old <size>`, the consistency proof from it, an empty line, the checkpoint. */
async function bodyOf({ note, consistencyFrom }: CosignRequest, oldSize: number): Promise<string> {
  const proof = oldSize === 0 ? [] : await consistencyFrom(oldSize);
  return `old ${oldSize}\n${proof.map((hash) => `${encodeBase64(hash)}\n`).join("")}\n${note}`;
}

function readAnswer({ body }: Response): Promise<Uint8Array> {
  const tooLong = () => new Error(`a witness answered more than ${MAX_ANSWER_BYTES} bytes`);
  return readStream(body, MAX_ANSWER_BYTES, tooLong);
}

/** The size that a witness says it saw, or null where it says none. */
function sizeIn(answer: Uint8Array): number | null {
  try {
    return parseDecimal(decodeUtf8(answer).trimEnd(), "witness answer");
  } catch {
    return null;
  }
}

/** What it answered, what that means, and its own words. */
function refusalOf({ status, headers }: Response, answer: Uint8Array): string {
  const target = headers.get("location");
  const isMoved = status >= 300 && status < 400 && target !== null;
  const meaning = isMoved ? `it moved to ${target}; configure that URL` : REFUSALS[status];
  const words = new TextDecoder().decode(answer).trim();
  const reason = [meaning, words && `"${words.slice(0, MAX_REASON_CHARACTERS)}"`].filter(Boolean).join("; ");
  return printable(`it answered ${status}${reason && `: ${reason}`}`);
}
