// Computes the stable patch id: what stays the same when a patch is moved to another base (git-patch-id(1), --stable). It is git's own
// answer, not a second implementation; where git is not installed the id is null.
import { runTool, ToolMissingError } from "../../../node/run-tool.ts";

const ANSWER = /^([0-9a-f]{40}) [0-9a-f]{40,64}\n$/;

/**
 * `git patch-id --stable` of one patch: 40 hex digits. Null where git gives none, as for a patch without `diff` lines, or
 * more than one, as for several patches in a file.
 * @throws ToolMissingError without git.
 */
export async function stablePatchId(patch: Uint8Array): Promise<string | null> {
  const output = await runTool("git", ["patch-id", "--stable"], { input: patch });
  return ANSWER.exec(Buffer.from(output).toString("latin1"))?.[1] ?? null;
}

/** The ids of all patches in order, or null where git is not installed. */
export async function stablePatchIds(
  patches: readonly { readonly bytes: Uint8Array }[],
): Promise<(string | null)[] | null> {
  try {
    const ids: (string | null)[] = [];
    for (const { bytes } of patches) ids.push(await stablePatchId(bytes));
    return ids;
  } catch (error) {
    if (error instanceof ToolMissingError) return null;
    throw error;
  }
}
