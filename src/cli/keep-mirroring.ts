// Repeats the rounds of a mirror or an export until it is told to stop: what fails now may work next time, except what proves a log wrong.
import { WrongAnswerError } from "../auditor/audit-finding.ts";
import type { Mirrored } from "../mirror/mirror.ts";
import { RefusedError, UnreachableError } from "../verifier/service-errors.ts";
import type { CliContext } from "./context.ts";

/** @param round one round. @returns when `signal` is aborted and no round is under way. @throws what will not pass by itself. */
export async function keepMirroring(
  round: () => Promise<Mirrored>,
  everySeconds: number,
  signal: AbortSignal,
  { warn }: Pick<CliContext, "warn">,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const done = await round();
      if (done.outcome !== "unchanged") warn(mirroredLine(done));
    } catch (error) {
      if (!mayPass(error)) throw error;
      warn(`this round failed, the next one is in ${everySeconds} s: ${error.message}`);
    }
    await pause(everySeconds * 1000, signal);
  }
}

function mayPass(error: unknown): error is Error {
  return (
    error instanceof UnreachableError || error instanceof RefusedError || error instanceof WrongAnswerError
  );
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}

export function mirroredLine({ outcome, origin, size, added, removed }: Mirrored): string {
  if (outcome === "behind")
    return `${origin}: it showed an older checkpoint of the same tree; the copy stays at size ${size}`;
  const tidied = removed === 0 ? "" : `; ${removed} partial tiles and bundles removed`;
  return `${origin}: size ${size}, ${added} entries added${tidied}`;
}

/** A signal that is aborted when the process is asked to end. */
export function untilStopped(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => controller.abort());
  return controller.signal;
}
