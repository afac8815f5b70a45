// Opens the signer that a user names.
import { readKeyText } from "./key-source.ts";
import type { Signer } from "./signer.ts";
import { signingKeyOf } from "./signing-key.ts";

/** What a signer is opened with. */
export interface SignerSurroundings {
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  /** Is told when others than the owner can read a key file. */
  readonly warn: (text: string) => void;
}

/**
 * Opens a signer: the path of a key file, `env:NAME` for an environment variable, or `-` for standard input.
 * @throws MalformedError, which names the source and the repair, and never repeats any of what it read.
 */
export async function openSigner(source: string, { environment, warn }: SignerSurroundings): Promise<Signer> {
  return signingKeyOf(readKeyText(source, environment, warn));
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
