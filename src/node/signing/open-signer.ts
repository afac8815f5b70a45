// Opens the signer that a user names. What a signer needs beyond a key in a file is loaded when one is named.
import { readKeyText } from "./key-source.ts";
import type { Signer } from "./signer.ts";
import { parseSignerSource } from "./signer-source.ts";
import { signingKeyOf } from "./signing-key.ts";

/** What a signer is opened with. */
export interface SignerSurroundings {
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  /** Is told when others than the owner can read a key file, and what a signing program has to say. */
  readonly warn: (text: string) => void;
}

/**
 * Opens a signer, by where its key is:
 * - the path of a file, `env:NAME` for an environment variable, or `-` for standard input;
 * - `cmd:PUBLIC-KEY PROGRAM ARGUMENT…` for a program that signs;
 * - `ssh-agent:SHA256:…` or `ssh-agent:FILE.pub` for an SSH agent;
 * - `pkcs11:…` (RFC 7512) for a token.
 * @throws MalformedError, which names the source and the repair, and never repeats any of what it read; SignerError.
 */
export async function openSigner(source: string, surroundings: SignerSurroundings): Promise<Signer> {
  const parsed = parseSignerSource(source);
  if (parsed.form === "text") {
    const { environment, warn } = surroundings;
    return signingKeyOf(readKeyText(parsed.source, environment, warn));
  }
  if (parsed.form === "command") {
    const { commandSigner } = await import("./command-signer.ts");
    return commandSigner(parsed.command, surroundings);
  }
  if (parsed.form === "ssh-agent") {
    const { agentSigner } = await import("./ssh-agent/agent-signer.ts");
    return agentSigner(parsed.key, surroundings);
  }
  const { pkcs11Signer } = await import("./pkcs11/pkcs11-signer.ts");
  return pkcs11Signer(parsed.uri, surroundings);
}

/** Opens one after another, since each may ask its user something. */
export async function openSigners(
  sources: readonly string[],
  surroundings: SignerSurroundings,
): Promise<Signer[]> {
  const signers: Signer[] = [];
  for (const source of sources) signers.push(await openSigner(source, surroundings));
  return signers;
}
