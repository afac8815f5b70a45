// Shows a person how far the check of a log is, how fast it goes, and when it will end.
import type { CliContext } from "./context.ts";

/** @param done what was done with entries, such as "audited". @returns what the check calls; a line a second at most. */
export function checkProgress(
  done: string,
  { warn, now }: Pick<CliContext, "warn" | "now">,
): (checked: number, size: number) => void {
  let last = 0;
  let begun: { readonly at: number; readonly checked: number } | undefined;
  return (checked, size) => {
    const at = now().getTime();
    begun ??= { at, checked };
    if (at - last < 1000) return;
    last = at;
    warn(`${done} ${checked} of ${size} entries${paceOf(begun, { at, checked }, size)}`);
  };
}

interface Reached {
  readonly at: number;
  readonly checked: number;
}

function paceOf(from: Reached, to: Reached, size: number): string {
  const perSecond = ((to.checked - from.checked) / (to.at - from.at)) * 1000;
  if (!(perSecond > 0) || !Number.isFinite(perSecond)) return "";
  return `, ${Math.round(perSecond)} a second, ${timeOf((size - to.checked) / perSecond)} left`;
}

function timeOf(seconds: number): string {
  if (seconds < 100) return `${Math.ceil(seconds)} s`;
  return seconds < 6000 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
