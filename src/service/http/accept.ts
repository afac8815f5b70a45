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
  return acceptedMediaType(accept, offered) ?? offered[0];
}

/**
 * Chooses in the same way, for clients that can use no other form.
 * @param profile of all that is offered: a range with the parameter `profile` accepts that one alone.
 * @returns null where nothing is acceptable.
 */
export function acceptedMediaType<const T extends string>(
  accept: string | undefined,
  offered: readonly [T, ...T[]],
  profile?: string,
): T | null {
  if (accept === undefined || accept.trim() === "") return offered[0];
  const ranges = parseAccept(accept).filter(({ params }) => isOfProfile(params.profile, profile));
  const weightOf = (type: string) => {
    for (const range of [type, `${type.split("/")[0]}/*`, "*/*"]) {
      const found = ranges.find((one) => one.type.toLowerCase() === range);
      if (found !== undefined) return found.q;
    }
    return 0;
  };
  let best: { readonly type: T | null; readonly weight: number } = { type: null, weight: 0 };
  for (const type of offered) {
    const weight = weightOf(type);
    if (weight > best.weight) best = { type, weight };
  }
  return best.type;
}

function isOfProfile(wanted: string | undefined, profile: string | undefined): boolean {
  return wanted === undefined || profile === undefined || wanted === profile;
}

/** Whether a coding may be used: it is named, or `*` is, with a weight above 0. Names are compared without regard to case (§8.4.1). */
export function acceptsCoding(acceptEncoding: string, coding: string): boolean {
  const accepted = parseAccept(acceptEncoding);
  const named = (name: string) => accepted.find(({ type }) => type.toLowerCase() === name);
  return (named(coding) ?? named("*") ?? { q: 0 }).q > 0;
}
