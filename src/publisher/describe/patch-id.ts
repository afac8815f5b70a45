// The stable patch id: what stays the same when a patch is moved to another base (git-patch-id(1), --stable). It is git's own
// answer, not a second implementation; where git is not installed the id is null.
import { MalformedError } from "../../protocol/errors.ts";
import { runTool, ToolMissingError } from "./run-tool.ts";

const ANSWER = /^([0-9a-f]{40}) [0-9a-f]{40,64}\n$/;

/**
 * `git patch-id --stable` of one patch: 40 hex digits; null for a patch without changes to files.
 * @throws MalformedError when the bytes hold several patches, each with an id of its own; ToolMissingError without git.
 */
export async function stablePatchId(patch: Uint8Array, fileName: string): Promise<string | null> {
  const output = Buffer.from(await runTool("git", ["patch-id", "--stable"], { input: patch })).toString(
    "latin1",
  );
  if (output === "") return null;
  const id = ANSWER.exec(output)?.[1];
  if (id === undefined)
    throw new MalformedError(
      `patch ${fileName}`,
      "holds several patches, or git patch-id gave an unknown answer",
    );
  return id;
}

/** The ids of all patches in order, or null where git is not installed. */
export async function stablePatchIds(
  patches: readonly { readonly fileName: string; readonly bytes: Uint8Array }[],
): Promise<(string | null)[] | null> {
  try {
    const ids: (string | null)[] = [];
    for (const { bytes, fileName } of patches) ids.push(await stablePatchId(bytes, fileName));
    return ids;
  } catch (error) {
    if (error instanceof ToolMissingError) return null;
    throw error;
  }
}
