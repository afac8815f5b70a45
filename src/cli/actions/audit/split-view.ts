// Verifies a split view offline, with the trust root alone.
import { parseSplitView, verifySplitView } from "../../../auditor/split-view.ts";
import { encodeHex } from "../../../protocol/encoding/hex.ts";
import { parseTrustFile } from "../../../verifier/bundle/trust-pin.ts";
import { type CliContext, judging, show, UsageError } from "../../context.ts";
import { readJudged, readOwn } from "../../files.ts";

interface SplitViewOptions {
  readonly splitView?: string;
  readonly trust?: string;
  readonly tofu?: boolean;
  readonly state?: string;
  readonly json?: boolean;
}

export async function runSplitView(
  url: string | undefined,
  options: SplitViewOptions,
  context: CliContext,
): Promise<void> {
  const { splitView = "", trust, tofu, state } = options;
  if (url !== undefined || tofu === true || state !== undefined || trust === undefined)
    throw new UsageError(
      "--split-view wants --trust FILE, and neither a URL, --tofu nor --state: no log is asked",
    );
  const anchor = readOwn(trust, parseTrustFile);
  const view = readJudged(splitView, parseSplitView);
  const { origin, smaller, larger } = await judging(() => verifySplitView(view, anchor));
  const trees = [smaller, larger].map(({ size, root, cosignedBy }) => ({
    size,
    root: encodeHex(root),
    cosignedBy,
  }));
  show(context, options, { origin, proven: true, trees }, [
    `PROVEN: ${origin} signed two trees that contradict each other`,
    ...trees.map(
      ({ size, root, cosignedBy }) =>
        `  size ${size}, root ${root}, cosigned by ${cosignedBy.join(", ") || "no witness of the trust root"}`,
    ),
  ]);
}
