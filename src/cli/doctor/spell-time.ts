// Writes a length of time for people.

const UNITS: ReadonlyArray<readonly [seconds: number, name: string]> = [
  [86_400, "days"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
];

/** In the largest unit of which there are two: "50 s", "90 min", "3 days". */
export function spell(seconds: number): string {
  const [unit, name] = UNITS.find(([unit]) => Math.abs(seconds) >= 2 * unit) ?? [1, "s"];
  return `${Math.round(seconds / unit)} ${name}`;
}
