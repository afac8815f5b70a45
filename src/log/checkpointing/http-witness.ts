// A witness of others, asked over HTTP (C2SP tlog-witness, add-checkpoint). Nothing that it answers is believed: the lines that it
// returns are verified like those of any cosigner.
import { encodeBase64 } from "../../protocol/encoding/base64.ts";
import { readStream } from "../../protocol/encoding/read-stream.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { parseDecimal } from "../../protocol/note/checkpoint.ts";
import type { Cosigner, CosignRequest } from "./cosigner.ts";

/** A few signature lines, or a size: more than this is not an answer. */
const MAX_ANSWER_BYTES = 65_536;

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
  #busy = false;

  constructor({ name, url, fetch }: HttpWitnessOptions) {
    this.name = name;
    this.#url = `${url.replace(/\/+$/, "")}/add-checkpoint`;
    this.#fetch = fetch;
  }

  async gather(request: CosignRequest, signal: AbortSignal): Promise<readonly string[]> {
    if (this.#busy) return [];
    this.#busy = true;
    try {
      return (
        (await this.#ask(request, signal)) ??
        (await this.#ask(request, signal)) ??
        this.#fail("it does not know what it saw")
      );
    } finally {
      this.#busy = false;
    }
  }

  /** @returns its lines, or undefined when it saw another size than we thought: ask again from that one. */
  async #ask(request: CosignRequest, signal: AbortSignal): Promise<readonly string[] | undefined> {
    const { size } = request.checkpoint;
    const response = await this.#fetch(this.#url, {
      method: "POST",
      body: await bodyOf(request, this.#size),
      signal,
    });
    const answer = await readAnswer(response);
    if (response.status === 409) {
      this.#size = parseDecimal(answer.trimEnd(), "witness answer");
      if (this.#size > size) this.#fail(`it claims to have seen size ${this.#size}, the log has ${size}`);
      return undefined;
    }
    if (response.status !== 200) this.#fail(`it answered ${response.status}`);
    this.#size = size;
    return answer.split(/(?<=\n)/);
  }

  #fail(why: string): never {
    throw new Error(`witness ${this.name}: ${why}`);
  }
}

/** `old <size>`, the consistency proof from it, an empty line, the checkpoint. */
async function bodyOf({ note, consistencyFrom }: CosignRequest, oldSize: number): Promise<string> {
  const proof = oldSize === 0 ? [] : await consistencyFrom(oldSize);
  return `old ${oldSize}\n${proof.map((hash) => `${encodeBase64(hash)}\n`).join("")}\n${note}`;
}

async function readAnswer({ body }: Response): Promise<string> {
  const tooLong = () => new Error(`a witness answered more than ${MAX_ANSWER_BYTES} bytes`);
  return decodeUtf8(await readStream(body, MAX_ANSWER_BYTES, tooLong));
}
