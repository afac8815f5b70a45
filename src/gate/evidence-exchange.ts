// Asks for evidence over a connection, before anything else is said on it (docs/gate.md, "What is said"). The peer is a stranger: a header of
// 16 KiB, a body of 4 MiB, one answer to one question, or nothing.
import type { TLSSocket } from "node:tls";
import { concatBytes } from "../protocol/encoding/bytes.ts";
import { encodeHex } from "../protocol/encoding/hex.ts";
import { GateError } from "../sealed/gate-error.ts";
import { MAX_EVIDENCE_BYTES } from "../verifier/evidence.ts";

const MAX_HEADER_BYTES = 16 * 1024;
const PATH = "/.well-known/touchstone/evidence";
const MEDIA_TYPE = "application/vnd.touchstone.evidence+json";
const END_OF_HEADER = "\r\n\r\n";

export interface EvidenceQuestion {
  /** Host, and port where it is not 443, for the Host header. */
  readonly host: string;
  /** 32 bytes. */
  readonly nonce: Uint8Array;
  /** Milliseconds from the question to the last byte of the answer. */
  readonly timeout: number;
}

/**
 * Sends the one question of the gate, and reads its answer to the last byte. Afterwards nothing is left unread on the connection.
 * @throws GateError "evidence.unavailable" | "evidence.format" | "evidence.timeout" | "unreachable"; the connection is of no use then.
 */
export async function askEvidence(socket: TLSSocket, question: EvidenceQuestion): Promise<Uint8Array> {
  requireSilence(socket);
  const answer = new AnswerReader();
  const evidence = readAnswer(socket, answer, question.timeout);
  socket.write(
    `GET ${PATH}?nonce=${encodeHex(question.nonce)} HTTP/1.1\r\nHost: ${question.host}\r\nAccept: ${MEDIA_TYPE}, application/json;q=0.5\r\n\r\n`,
  );
  return evidence;
}

/** An answer to a question that was not asked is not waited for, and not taken for the answer to the next one. @throws GateError */
export function requireSilence(socket: TLSSocket): void {
  if (socket.read() !== null)
    throw new GateError("evidence.format", "the machine sent bytes that nobody had asked for");
  if (socket.destroyed || socket.readableEnded)
    throw new GateError("unreachable", "the machine closed the connection");
}

function readAnswer(socket: TLSSocket, answer: AnswerReader, timeout: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      clearTimeout(timer);
      socket.off("readable", read).off("error", fail).off("end", hangUp).off("close", hangUp);
      settle();
    };
    const fail = (error: Error) => end(() => reject(asGateError(error)));
    const hangUp = () => fail(new Error("the machine closed the connection before its evidence was whole"));
    const read = () => {
      try {
        for (let bytes = socket.read(); bytes !== null; bytes = socket.read()) answer.take(bytes);
        const { body } = answer;
        if (body !== null) end(() => resolve(body));
      } catch (error) {
        fail(error as Error);
      }
    };
    const late = () => fail(new GateError("evidence.timeout", `no whole evidence within ${timeout} ms`));
    const timer = setTimeout(late, timeout);
    socket.on("readable", read).on("error", fail).on("end", hangUp).on("close", hangUp);
  });
}

/** Whatever a connection fails by. */
export function asGateError(error: unknown): GateError {
  if (error instanceof GateError) return error;
  return new GateError("unreachable", error instanceof Error ? error.message : "no connection");
}

/** Takes an HTTP/1.1 answer apart as it comes (RFC 9112), in the one form that is accepted. */
class AnswerReader {
  #header = "";
  readonly #pieces: Uint8Array[] = [];
  #length: number | null = null;
  #received = 0;

  /** The body once it is whole, or null. */
  get body(): Uint8Array | null {
    return this.#received === this.#length ? concatBytes(...this.#pieces) : null;
  }

  take(bytes: Buffer): void {
    if (this.#length === null) this.#takeHeader(bytes);
    else this.#takeBody(bytes);
  }

  #takeHeader(bytes: Buffer): void {
    // The end may have come in two pieces.
    const from = Math.max(0, this.#header.length - END_OF_HEADER.length);
    this.#header += bytes.subarray(0, MAX_HEADER_BYTES + 1).toString("latin1");
    const end = this.#header.indexOf(END_OF_HEADER, from);
    if (end > MAX_HEADER_BYTES || (end === -1 && this.#header.length > MAX_HEADER_BYTES))
      throw refuse(`its header is longer than ${MAX_HEADER_BYTES} bytes`);
    if (end === -1) return;
    const before = this.#header.length - Math.min(bytes.length, MAX_HEADER_BYTES + 1);
    this.#length = lengthIn(this.#header.slice(0, end));
    this.#takeBody(bytes.subarray(end + END_OF_HEADER.length - before));
  }

  #takeBody(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.#received += bytes.length;
    if (this.#received > (this.#length ?? 0))
      throw refuse("more bytes came than its Content-Length says: an answer before the question");
  }
}

/** Content-Length of an answer that may be taken. @throws GateError */
function lengthIn(header: string): number {
  const [statusLine = "", ...lines] = header.split("\r\n");
  const [, status] = /^HTTP\/1\.1 ([0-9]{3})(?: |$)/.exec(statusLine) ?? [];
  if (status === undefined) throw refuse("not an answer of HTTP/1.1");
  if (status !== "200")
    throw new GateError(
      "evidence.unavailable",
      `the machine answered ${status} where it should show evidence`,
    );
  const fields = lines.map((line) => /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line));
  if (fields.includes(null)) throw refuse("a line of its header is none");
  const valuesOf = (wanted: string) =>
    fields.flatMap((field) => (field?.[1]?.toLowerCase() === wanted ? [field[2] ?? ""] : []));
  if (valuesOf("transfer-encoding").length > 0) throw refuse("it has a Transfer-Encoding");
  if (valuesOf("content-encoding").length > 0) throw refuse("it has a Content-Encoding");
  if (valuesOf("connection").some((value) => /(?:^|,)[ \t]*close[ \t]*(?:,|$)/i.test(value)))
    throw refuse("the machine wants to close the connection, and the evidence is for this one");
  const [length, ...others] = valuesOf("content-length");
  if (length === undefined || others.length > 0 || !/^[0-9]{1,9}$/.test(length))
    throw refuse("it has no Content-Length, or several");
  if (Number(length) > MAX_EVIDENCE_BYTES) throw refuse(`it is longer than ${MAX_EVIDENCE_BYTES} bytes`);
  return Number(length);
}

function refuse(what: string): GateError {
  return new GateError("evidence.format", `the answer with evidence is refused: ${what}`);
}
