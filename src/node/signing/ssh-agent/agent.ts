// Asks an SSH agent (draft-ietf-sshm-ssh-agent): which keys it has, and for signatures. An agent may be forwarded from another machine,
// and is believed nothing.
import { connect } from "node:net";
import { concatBytes } from "../../../protocol/encoding/bytes.ts";
import { SignerError } from "../signer.ts";
import { SshReader, sshString, sshUint32 } from "./wire.ts";

const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;
const SIGN_REQUEST = 13;
const SIGN_RESPONSE = 14;
const FAILURE = 5;
/** OpenSSH's own limits: AGENT_MAX_LEN, and the keys that a client takes. */
const MAX_ANSWER = 262_144;
const MAX_KEYS = 2048;
/** A person may have to confirm. */
const LIMIT_MS = 60_000;
const LENGTH_BYTES = 4;

export interface Agent {
  /** Path of its socket. */
  readonly socket: string;
  /** Milliseconds for one answer. One minute unless said. */
  readonly limitMs?: number;
}

/** The blobs of all keys that the agent offers, of whatever type. @throws SignerError; MalformedError for an answer that is none. */
export async function listKeys(agent: Agent): Promise<Uint8Array[]> {
  const answer = await ask(agent, Uint8Array.of(REQUEST_IDENTITIES), IDENTITIES_ANSWER);
  const count = answer.uint32();
  if (count > MAX_KEYS)
    throw new SignerError("ssh-agent", `offers ${count} keys; at most ${MAX_KEYS} are read`);
  const blobs: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    blobs.push(answer.string());
    answer.string();
  }
  answer.end();
  return blobs;
}

/** The signature as SSH writes it: a name, and what its type puts behind it. @throws as `listKeys`. */
export async function askSignature(agent: Agent, blob: Uint8Array, message: Uint8Array): Promise<Uint8Array> {
  const request = concatBytes(Uint8Array.of(SIGN_REQUEST), sshString(blob), sshString(message), sshUint32(0));
  const answer = await ask(agent, request, SIGN_RESPONSE);
  const signature = answer.string();
  answer.end();
  return signature;
}

async function ask(agent: Agent, request: Uint8Array, expected: number): Promise<SshReader> {
  const reader = new SshReader(await exchange(agent, sshString(request)), "answer of the SSH agent");
  const type = reader.byte();
  if (type === FAILURE)
    throw new SignerError(
      "ssh-agent",
      "refused: it does not have the key (ssh-add -l shows those that it has), is locked, or nobody confirmed",
    );
  if (type !== expected) throw new SignerError("ssh-agent", `answered with message ${type}, not ${expected}`);
  return reader;
}

/** Sends one message on a connection of its own, and reads one. */
function exchange({ socket, limitMs = LIMIT_MS }: Agent, request: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const connection = connect(socket);
    let received = new Uint8Array();
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      connection.destroy();
      settle();
    };
    const fail = (reason: string) => finish(() => reject(new SignerError("ssh-agent", reason)));
    const timer = setTimeout(() => fail(`has not answered within ${limitMs / 1000} s`), limitMs);
    connection.on("error", (error: NodeJS.ErrnoException) =>
      fail(`${socket}: ${error.code ?? "cannot be reached"}: is the agent running?`),
    );
    connection.on("end", () => fail("hung up before it had answered"));
    connection.on("data", (piece: Buffer) => {
      received = concatBytes(received, piece) as Uint8Array<ArrayBuffer>;
      if (received.length < LENGTH_BYTES) return;
      const length = new SshReader(received, "answer of the SSH agent").uint32();
      const missing = LENGTH_BYTES + length - received.length;
      if (length === 0 || length > MAX_ANSWER) fail(`announces an answer of ${length} bytes`);
      else if (missing < 0) fail("said more than it announced");
      else if (missing === 0) finish(() => resolve(received.subarray(LENGTH_BYTES)));
    });
    connection.write(request);
  });
}
