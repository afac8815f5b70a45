// Keeps the young generation of V8's heap from growing to where it costs memory and saves nothing: Node 24 lets its two halves have 64 MiB
// each, which a busy service fills with what it answered a moment ago.
import { PerformanceObserver } from "node:perf_hooks";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

/** Both halves, as Node 22 has them. docs/performance.md has what others cost. */
const MOST_BYTES = 32 * 1024 * 1024;
/** By how much it grows where it has to: V8's own factor. */
const GROWTH = 2;

/**
 * What the largest size is V8 reads before a program runs; by what factor it grows, each time that it does, and by 1 it stays as it is. After
 * a quiet time V8 makes it smaller, and it may grow again. The factor is that of every thread; those of this program have a limit of their own.
 * Does nothing where whoever started the process chose a size.
 */
export function boundYoungGeneration(): void {
  const chosen = [...process.execArgv, process.env.NODE_OPTIONS ?? ""];
  if (chosen.some((option) => /semi[-_]space/.test(option))) return;
  let factor = GROWTH;
  new PerformanceObserver(() => {
    const wanted = youngBytes() < MOST_BYTES ? GROWTH : 1;
    if (wanted !== factor) setFlagsFromString(`--semi-space-growth-factor=${wanted}`);
    factor = wanted;
  }).observe({ entryTypes: ["gc"] });
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find((space) => space.space_name === "new_space")?.space_size ?? 0;
}
