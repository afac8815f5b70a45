// Drafts from a known-good machine: its platform's statement, and a policy that trusts exactly what the machine showed. Both are for a
// human to review.
import { sha256 } from "../../protocol/cryptography/hash.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { parseStatement } from "../../protocol/envelope/statement.ts";
import { draftPlatform, type PlatformRelease } from "../evidence/draft-platform.ts";
import type { ObservedMachine } from "../evidence/observe-machine.ts";
import { requireRunning } from "../evidence/require-running.ts";
import { composePolicy } from "./compose-policy.ts";
import type { PolicyContent } from "./draft-policy.ts";
import { MEMBER_KINDS, type ReleaseSet, releasedAs } from "./release-set.ts";

export interface MachineDraft {
  /** Payload of the platform's statement, which is not in the log yet. */
  readonly platform: Uint8Array;
  readonly content: PolicyContent;
}

/**
 * @param id of the profile.
 * @throws VerificationError "another-release" when the machine runs another release; MalformedError when a field is not valid.
 */
export function draftFromMachine(
  id: string,
  machine: ObservedMachine,
  release: PlatformRelease,
  others: Omit<ReleaseSet, "platforms">,
): MachineDraft {
  const { bootPath, layout } = requireRunning(machine, others);
  const platform = draftPlatform(release, machine, layout);
  const released = releasedAs(MEMBER_KINDS.platforms, parseStatement(platform), encodeHex(sha256(platform)));
  const wanted = { ...machine.requirements, bootPath };
  return { platform, content: composePolicy(id, { ...others, platforms: [released] }, wanted) };
}
