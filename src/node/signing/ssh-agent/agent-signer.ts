// Signs by an SSH agent, with an Ed25519 or P-256 key that is in it.
import { readFileSync } from "node:fs";
import { fromIntegers } from "../../../protocol/cryptography/ecdsa-signature.ts";
import { MalformedError } from "../../../protocol/errors.ts";
import { type Signer, SignerError, verifiedSigner } from "../signer.ts";
import { type Agent, askSignature, listKeys } from "./agent.ts";
import { fingerprintOf, parseKeyBlob, parsePublicKeyLine, type SshKey } from "./key-blob.ts";
import { SshReader } from "./wire.ts";

const FORMAT = "signing key";
const FINGERPRINT = /^SHA256:[A-Za-z0-9+/]{43}$/;

export interface AgentOptions {
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  /** Milliseconds for one answer of the agent. One minute unless said. */
  readonly limitMs?: number;
}

/**
 * @param key `SHA256:` and its fingerprint, as `ssh-add -l` shows it, or the path of its .pub.
 * @throws MalformedError for a key that cannot sign entries, such as one of FIDO; SignerError where the agent does not have it.
 */
export async function agentSigner(key: string, { environment, limitMs }: AgentOptions): Promise<Signer> {
  const socket = environment.SSH_AUTH_SOCK ?? "";
  if (socket === "")
    throw new MalformedError(FORMAT, "SSH_AUTH_SOCK is not set: no agent runs here, or none is forwarded");
  const agent: Agent = { socket, ...(limitMs && { limitMs }) };
  const found = key.startsWith("SHA256:") ? await findKey(agent, key) : readKeyFile(key);
  return verifiedSigner("ssh-agent", found.spki, async (message) =>
    signatureOf(found, await askSignature(agent, found.blob, message)),
  );
}

async function findKey(agent: Agent, fingerprint: string): Promise<SshKey> {
  if (!FINGERPRINT.test(fingerprint))
    throw new MalformedError(FORMAT, "after SHA256: stand 43 characters, as ssh-add -l shows them");
  const blob = (await listKeys(agent)).find((each) => fingerprintOf(each) === fingerprint);
  if (blob === undefined)
    throw new SignerError("ssh-agent", `does not have ${fingerprint}: ssh-add -l shows the keys that it has`);
  return parseKeyBlob(blob);
}

function readKeyFile(path: string): SshKey {
  try {
    return parsePublicKeyLine(readFileSync(path, "utf8"));
  } catch (error) {
    throw new MalformedError(FORMAT, `${path}: ${error instanceof Error ? error.message : "cannot be read"}`);
  }
}

/** RFC 8709 §6 and RFC 5656 §3.1.2: the 64 bytes themselves, or r and s as two mpints. */
function signatureOf({ type }: SshKey, bytes: Uint8Array): Uint8Array {
  const outer = new SshReader(bytes, "signature of the SSH agent");
  const named = outer.name();
  const content = outer.string();
  outer.end();
  if (named !== type) throw new SignerError("ssh-agent", `signed as ${named} with a key of ${type}`);
  if (type === "ssh-ed25519") return content;
  const inner = new SshReader(content, "signature of the SSH agent");
  const signature = fromIntegers(inner.string(), inner.string());
  inner.end();
  if (signature === undefined) throw new SignerError("ssh-agent", "wrote r or s as no positive number");
  return signature;
}
