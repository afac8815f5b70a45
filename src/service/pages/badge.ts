// Draws a badge for a README: which version of a policy is in force, and since when. It states; it proves nothing.
import { html } from "hono/html";
import type { Html } from "./frame.ts";

export interface Badge {
  readonly name: string;
  /** "version 4, 3 days old". */
  readonly state: string;
  readonly good: boolean;
}

/** Width of a character of the badge's font, units; a guess that errs to the wide side. */
const CHARACTER = 7;
const PADDING = 12;
/** Names are at most 128 bytes; a badge that wide helps nobody. */
const MAX_LABEL = 40;

export function badgeSvg({ name, state, good }: Badge): Html {
  const label = name.length > MAX_LABEL ? `${name.slice(0, MAX_LABEL)}…` : name;
  const left = label.length * CHARACTER + PADDING;
  const right = state.length * CHARACTER + PADDING;
  return html`<svg xmlns="http://www.w3.org/2000/svg" width="${left + right}" height="20" role="img" aria-label="${name}: ${state}"><title>${name}: ${state}</title><rect width="${left}" height="20" fill="#22262b"/><rect x="${left}" width="${right}" height="20" fill="${good ? "#1f6f43" : "#a8321f"}"/><g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11"><text x="${PADDING / 2}" y="14" textLength="${left - PADDING}">${label}</text><text x="${left + PADDING / 2}" y="14" textLength="${right - PADDING}">${state}</text></g></svg>`;
}
