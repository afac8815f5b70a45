// The add-checkpoint requests of FiloSottile/sunlight: what of C2SP tlog-witness rests on notes, checkpoints and proofs alone.
// How a witness answers them over HTTP is shown with the witness.
import { expect, it } from "vitest";
import { decodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { verifyConsistency } from "../../src/protocol/merkle/consistency.ts";
import { openCheckpoint, parseCheckpoint } from "../../src/protocol/note/checkpoint.ts";
import { parseVerifierKey } from "../../src/protocol/note/key.ts";
import { parseNote } from "../../src/protocol/note/signed-note.ts";
import { describeReal, realJson } from "../support/real-data.ts";
import { outcomeOf } from "../support/refusals.ts";

interface Request {
  name: string;
  before: { size: number; root: string };
  body: string;
  status: number;
  alsoAllowedStatus?: number[];
}

describeReal("vectors/witness/add-checkpoint.json", () => {
  it("11 requests hold or fail for the reason that their status names", async () => {
    const { logVkey, requests } = realJson<{ logVkey: string; requests: Request[] }>(
      "vectors/witness/add-checkpoint.json",
    );
    const logKey = parseVerifierKey(logVkey);
    for (const request of requests) {
      const status = await judge(request, logKey);
      expect([request.status, ...(request.alsoAllowedStatus ?? [])], request.name).toContain(status);
    }
    expect(requests).toHaveLength(11);
  });
});

async function judge(
  { body, before }: Request,
  logKey: ReturnType<typeof parseVerifierKey>,
): Promise<number> {
  const split = body.indexOf("\n\n");
  const [old = "", ...proof] = body.slice(0, split).split("\n");
  const note = body.slice(split + 2);
  const origin = note.split("\n", 1)[0];
  if (origin !== logKey.name) return 404;
  const opened = await outcomeOf(() => openCheckpoint(note, logKey));
  if (opened !== "accepted") return opened === "malformed" ? 400 : 403;
  if (old !== `old ${before.size}`) return 409;
  const checkpoint = parseCheckpoint(parseNote(note).text);
  if (before.size === 0) return 200;
  const outcome = await outcomeOf(() =>
    verifyConsistency({
      fromSize: before.size,
      fromRoot: decodeBase64(before.root),
      toSize: checkpoint.size,
      toRoot: checkpoint.root,
      proof: proof.map(decodeBase64),
    }),
  );
  return outcome === "accepted" ? 200 : 422;
}
