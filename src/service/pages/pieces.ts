// Draws the small parts that pages are made of: times, digests, tables of facts.
import { html } from "hono/html";
import type { Html } from "./frame.ts";

/** A line of a table of facts: what it is called, and its value. */
export type Fact = readonly [label: string, value: Html | string];

/** A table of two columns for assistive technology as well as for the eye. */
export function factList(facts: readonly Fact[]): Html {
  return html`<dl class="list">${facts.map(([label, value]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** A digest, measurement or key id: whole, since half of one proves nothing; it may break anywhere. */
export function code(text: string): Html {
  return html`<code>${text}</code>`;
}

/** A value that a reader compares or takes along; the button is drawn by the script that serves it. */
export function copyable(text: string): Html {
  return html`<code data-copy>${text}</code>`;
}

/** A moment, to the minute, in UTC. @param time RFC 3339. */
export function moment(time: string): Html {
  return html`<time datetime="${time}">${time.slice(0, 16).replace("T", " ")} UTC</time>`;
}

/** How long ago, in words. */
export function elapsed(now: Date, then: Date): string {
  const seconds = Math.max(0, Math.round((now.getTime() - then.getTime()) / 1000));
  return seconds < 5 ? "just now" : `${span(seconds)} ago`;
}

/** A length of time in its largest sensible unit. */
export function span(seconds: number): string {
  if (seconds < 60) return count(seconds, "second");
  if (seconds < 3600) return count(Math.round(seconds / 60), "minute");
  return seconds < 172_800
    ? count(Math.round(seconds / 3600), "hour")
    : count(Math.round(seconds / 86_400), "day");
}

export function count(value: number, unit: string, plural = `${unit}s`): string {
  return `${value.toLocaleString("en")} ${value === 1 ? unit : plural}`;
}

/** "expired", or how long something is still good; what ends within a tenth of its life is marked. */
export function validity(now: Date, expires: string): Html {
  const left = Math.round((Date.parse(expires) - now.getTime()) / 1000);
  return left <= 0
    ? html`<strong class="bad">expired ${elapsed(now, new Date(expires))}</strong>`
    : html`${moment(expires)} <span class="dim">${span(left)} left</span>`;
}

/** A size in bytes, for people. */
export function bytes(size: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let value = size;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** Where a reader gives a pin to a check that runs in the page, once its script shows the form. @param run what the button says. */
export function pinForm(run: string): Html {
  return html`<div id="check-form" hidden><label for="pin">Pin: a digest that you were given, or the file trust-root.json</label><input id="pin" autocomplete="off" spellcheck="false" placeholder="64 hex digits, of trust root version 1"><input id="pin-file" type="file" accept=".json" aria-label="trust-root.json"><button id="check-run" type="button">${run}</button></div>`;
}
