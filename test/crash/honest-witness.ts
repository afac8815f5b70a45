// A witness over HTTP (C2SP tlog-witness) that a test can make slow, dead or dishonest. While it is honest it checks what it cosigns.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { decodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { encodeHex } from "../../src/protocol/encoding/hex.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { verifyConsistency } from "../../src/protocol/merkle/consistency.ts";
import { parseCheckpoint } from "../../src/protocol/note/checkpoint.ts";
import { createCosigner } from "../../src/protocol/note/cosignature.ts";
import { formatSignatureLine, parseNote } from "../../src/protocol/note/signed-note.ts";
import { witnessKey } from "../support/witnesses.ts";

/**
 * "garbles": its signatures are of something else; "boasts": it claims to have seen more than there is; "forked": it has seen another tree
 * of this size; "babbles": its answers are none.
 */
export type WitnessMode = "honest" | "down" | "slow" | "garbles" | "boasts" | "forked" | "babbles";

export class TestWitness {
  readonly name: string;
  mode: WitnessMode = "honest";
  /** What it has cosigned last. */
  seen: { readonly size: number; readonly root: Uint8Array } = { size: 0, root: new Uint8Array(32) };
  readonly #server: Server;
  #port = 0;

  private constructor(name: string) {
    this.name = name;
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  static async start(name: string, host = "127.0.0.1"): Promise<TestWitness> {
    const witness = new TestWitness(name);
    await new Promise<void>((resolve) => witness.#server.listen(0, host, resolve));
    witness.#port = (witness.#server.address() as { port: number }).port;
    return witness;
  }

  urlAt(host = "127.0.0.1"): string {
    return `http://${host}:${this.#port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const piece of request) body += piece;
    if (this.mode === "down") return void response.destroy();
    if (this.mode === "slow") await pause(4000);
    if (this.mode === "babbles") return void response.writeHead(200).end("<html>hello</html>");
    const [head = "", ...rest] = body.split("\n\n");
    const [old = "", ...proof] = head.split("\n");
    const { text } = parseNote(rest.join("\n\n"));
    const { size, root } = parseCheckpoint(text);
    if (this.mode === "boasts") return void response.writeHead(409).end(`${size + 1000}\n`);
    if (this.mode === "forked") return void response.writeHead(422).end("another tree was seen\n");
    if (Number(old.slice(4)) !== this.seen.size)
      return void response.writeHead(409).end(`${this.seen.size}\n`);
    if (!this.#continues(size, root, proof)) return void response.writeHead(422).end();
    const signed = this.mode === "garbles" ? `${text}x` : text;
    this.seen = { size, root };
    const signer = createCosigner(await witnessKey(this.name), () => new Date());
    const { name, keyId } = signer;
    response.end(formatSignatureLine({ name, keyId, signature: await signer.sign(utf8(signed)) }));
  }

  #continues(size: number, root: Uint8Array, proof: readonly string[]): boolean {
    if (this.seen.size === 0) return true;
    if (size === this.seen.size) return encodeHex(root) === encodeHex(this.seen.root);
    try {
      const [fromSize, fromRoot] = [this.seen.size, this.seen.root];
      verifyConsistency({ fromSize, fromRoot, toSize: size, toRoot: root, proof: proof.map(decodeBase64) });
      return true;
    } catch {
      return false;
    }
  }
}
