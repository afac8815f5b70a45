// Reads the keys of logs and cosigners, one line of Go's note package each.
import { type KeyText, readKeyText } from "../node/signing/key-source.ts";
import { MalformedError } from "../protocol/errors.ts";
import { type NotePrivateKey, parsePrivateKey } from "../protocol/note/key.ts";
import type { CliContext } from "./context.ts";

/** A note key from a file or `env:NAME`. @throws MalformedError, which never repeats what was read. */
export async function readNoteKey(
  source: string,
  { environment, warn }: Pick<CliContext, "environment" | "warn">,
): Promise<NotePrivateKey> {
  return noteKeyOf(readKeyText(source, environment, warn));
}

/** @throws MalformedError, as `readNoteKey`. */
export async function noteKeyOf({ text, where }: KeyText): Promise<NotePrivateKey> {
  try {
    return await parsePrivateKey(text.trim());
  } catch {
    const pem = text.includes("-----BEGIN") ? "; PEM is for keys that sign entries" : "";
    throw new MalformedError(
      "log key",
      `${where}: expected one line PRIVATE+KEY+…, as 'touchstone key generate --log' or '--cosigner' writes it${pem}`,
    );
  }
}
