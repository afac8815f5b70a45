// Gets the evidence of a TLS server: out of its certificate where it carries some, else by asking for it on a connection, whose key is then
// the one that counts (docs/formats.md, "Evidence over HTTP"). A challenge is all that leaves before the verdict.
import { askEvidence } from "../../gate/evidence-exchange.ts";
import { openConnection } from "../../gate/open-connection.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { GateError } from "../../sealed/gate-error.ts";
import type { Channel } from "../../verifier/appraisal/channel-binding.ts";
import { readCertificateEvidence } from "../../verifier/ra-tls/certificate-evidence.ts";
import { UnreachableError } from "../../verifier/service-errors.ts";
import { channelOfCertificate } from "./channel-key.ts";
import { fetchRaTlsEvidence } from "./fetch-certificate.ts";

export interface Server {
  readonly host: string;
  readonly port: number;
}

export interface ShownEvidence {
  readonly channel: Channel;
  /** evidence.json; empty where the server has none, which every policy rejects. */
  readonly evidence: Uint8Array;
  /** The challenge that was sent, or null. */
  readonly nonce: Uint8Array | null;
}

export interface ShowOptions {
  /** The challenge, 32 bytes; null where the policy wants none and the user gave none. */
  readonly nonce: Uint8Array | null;
  /** evidence.json, where the user has it already. */
  readonly given: Uint8Array | undefined;
  readonly warn: (text: string) => void;
}

const TIMEOUT_MS = 10_000;
const NONCE_BYTES = 32;

/** @throws UnreachableError; MalformedError for a certificate that is no strict DER. */
export async function evidenceOfServer(server: Server, options: ShowOptions): Promise<ShownEvidence> {
  const certificate = await certificateOf(server, options.nonce);
  if (certificate instanceof UnreachableError) {
    if (options.given !== undefined) throw certificate;
    // A server that refuses the name which the challenge makes may still answer to its own.
    const asked = await askOverConnection(server, options);
    if (asked instanceof GateError)
      throw asked.code === "unreachable" ? certificate : unreachable(server, asked);
    return asked;
  }
  const channel = channelOfCertificate(certificate);
  const evidence = options.given ?? evidenceIn(certificate, options.warn);
  if (evidence !== null) return { channel, evidence, nonce: options.nonce };
  const asked = await askOverConnection(server, options);
  if (!(asked instanceof GateError)) return asked;
  options.warn(
    `the certificate holds no evidence, and none is served: ${asked.message}; where it is a file, give --evidence`,
  );
  return { channel, evidence: new Uint8Array(), nonce: options.nonce };
}

async function certificateOf(
  server: Server,
  nonce: Uint8Array | null,
): Promise<Uint8Array | UnreachableError> {
  try {
    const options = { timeoutMs: TIMEOUT_MS, ...(nonce && { nonce }) };
    return (await fetchRaTlsEvidence(server.host, server.port, options)).certificateDer;
  } catch (error) {
    if (error instanceof MalformedError) throw error;
    return unreachable(server, error);
  }
}

/** evidence.json as the certificate carries it; empty for a form with a quote only; null for a certificate without evidence. */
function evidenceIn(certificate: Uint8Array, warn: (text: string) => void): Uint8Array | null {
  try {
    const found = readCertificateEvidence(certificate);
    if (found.form === "touchstone-ra-tls/v1") return found.document;
    warn(`the certificate's form, ${found.form}, holds a quote only: give the rest with --evidence`);
    return new Uint8Array();
  } catch (error) {
    if (error instanceof MalformedError) return null;
    throw error;
  }
}

async function askOverConnection(
  { host, port }: Server,
  options: ShowOptions,
): Promise<ShownEvidence | GateError> {
  const nonce = options.nonce ?? crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const to = new URL(`https://${host.includes(":") ? `[${host}]` : host}:${port}`);
  try {
    const { socket, spki } = await openConnection({ to, timeout: TIMEOUT_MS, webPki: false });
    try {
      const evidence = await askEvidence(socket, { host: to.host, nonce, timeout: TIMEOUT_MS });
      return { channel: { type: "tls-spki", key: spki }, evidence, nonce };
    } finally {
      socket.destroy();
    }
  } catch (error) {
    if (error instanceof GateError) return error;
    throw error;
  }
}

function unreachable({ host, port }: Server, error: unknown): UnreachableError {
  return new UnreachableError(`${host}:${port}: ${error instanceof Error ? error.message : "no answer"}`);
}
