// Draws how a log grew, as SVG: a reader sees at a glance when it stood still. The table below it says the same to those who cannot look.
import { html, raw } from "hono/html";
import type { Html } from "./frame.ts";

export interface Point {
  /** POSIX seconds. */
  readonly time: number;
  readonly size: number;
}

const WIDTH = 640;
const HEIGHT = 160;
const MARGIN = 6;

/** @param points oldest first; at least one. A step at each checkpoint, since nothing is known of the time between. */
export function growthPlot(points: readonly Point[]): Html {
  const first = points[0] as Point;
  const last = points.at(-1) as Point;
  const label = `From ${first.size} entries on ${day(first.time)} to ${last.size} on ${day(last.time)}.`;
  return html`<figure class="plot"><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}"><path class="ground" d="M${MARGIN} ${HEIGHT - MARGIN}H${WIDTH - MARGIN}"/><path class="line" d="${raw(stepsOf(points, first, last))}"/></svg><figcaption>${label}</figcaption></figure>`;
}

function stepsOf(points: readonly Point[], first: Point, last: Point): string {
  const x = scale(first.time, last.time, MARGIN, WIDTH - MARGIN);
  const y = scale(0, last.size, HEIGHT - MARGIN, MARGIN);
  const steps = points.map(({ time, size }, i) =>
    i === 0 ? `M${x(time)} ${y(size)}` : `H${x(time)}V${y(size)}`,
  );
  return `${steps.join("")}H${WIDTH - MARGIN}`;
}

/** Maps a range onto another, to a tenth of a unit. Where all values are one, it is the end. */
function scale(from: number, to: number, start: number, end: number): (value: number) => number {
  return (value) => {
    const share = to === from ? 1 : (value - from) / (to - from);
    return Math.round((start + share * (end - start)) * 10) / 10;
  };
}

function day(time: number): string {
  return new Date(time * 1000).toISOString().slice(0, 10);
}
