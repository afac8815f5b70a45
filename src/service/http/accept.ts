// Reads what a client accepts: media types (RFC 9110 §12.5.1) and content codings (§12.5.3).
import { parseAccept } from "hono/utils/accept";

/**
 * Chooses the media type that Accept gives the highest weight; the most specific range that matches a type gives its weight.
 * @param offered in the order of preference of the service, which decides between equal weights.
 * @returns the first of `offered` where nothing is acceptable: an answer of the wrong form is of more use than a refusal (§12.4.1).
 */
export function chooseMediaType<const T extends string>(
  accept: string | undefined,
  offered: readonly [T, ...T[]],
): T {
  if (accept === undefined || accept.trim() === "") return offered[0];
  const ranges = parseAccept(accept);
  const weightOf = (type: string) => {
    for (const range of [type, `${type.split("/")[0]}/*`, "*/*"]) {
      const found = ranges.find((one) => one.type.toLowerCase() === range);
      if (found !== undefined) return found.q;
    }
    return 0;
  };
  let best = offered[0];
  for (const type of offered) if (weightOf(type) > weightOf(best)) best = type;
  return best;
}

/** Whether a coding may be used: it is named, or `*` is, with a weight above 0. Names are compared without regard to case (§8.4.1). */
export function acceptsCoding(acceptEncoding: string, coding: string): boolean {
  const accepted = parseAccept(acceptEncoding);
  const named = (name: string) => accepted.find(({ type }) => type.toLowerCase() === name);
  return (named(coding) ?? named("*") ?? { q: 0 }).q > 0;
}
