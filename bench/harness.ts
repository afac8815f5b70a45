// Measuring on a machine that others use too: what is compared takes turns, round by round, and what counts is the median of the
// rounds and of the ratios within a round.

/** Median and quartiles of some samples. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** One line of the result. */
export interface Measurement {
  readonly row: string;
  readonly what: string;
  readonly unit: string;
  readonly floor: Spread | null;
  readonly figure: Spread;
  /** Share of the floor that is reached, round by round: more is better, whatever the unit. */
  readonly ratio: Spread | null;
  readonly target: string;
  readonly reached: boolean | null;
  readonly note: string;
}

export function spreadOf(samples: readonly number[]): Spread {
  return { low: quantile(samples, 0.25), median: quantile(samples, 0.5), high: quantile(samples, 0.75) };
}

/** The value below which a share `q` of the samples lies (nearest rank). */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

/** Ratios within each round. */
export function ratios(numerators: readonly number[], denominators: readonly number[]): Spread {
  return spreadOf(numerators.map((value, i) => value / (denominators[i] ?? Number.NaN)));
}

/**
 * Runs every subject once a round, each round in another order, after one round that only warms up (round 0).
 * @returns the samples of each subject, in the order of the rounds.
 */
export async function interleave<K extends string, T>(
  rounds: number,
  subjects: Readonly<Record<K, (round: number) => Promise<T>>>,
): Promise<Record<K, T[]>> {
  const names = Object.keys(subjects) as K[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as T[]])) as Record<K, T[]>;
  for (let round = 0; round <= rounds; round++) {
    for (let i = 0; i < names.length; i++) {
      const name = names[(round + i) % names.length] as K;
      const sample = await subjects[name](round);
      if (round > 0) samples[name].push(sample);
    }
  }
  return samples;
}

/** Milliseconds that a call takes. */
export async function timed(run: () => unknown): Promise<number> {
  const begun = performance.now();
  await run();
  return performance.now() - begun;
}
