// Defines the options that several commands share, and reads their values.
import { existsSync } from "node:fs";
import { InvalidArgumentError } from "commander";
import { isDay } from "../protocol/encoding/calendar.ts";
import { decodeHex } from "../protocol/encoding/hex.ts";
import { isName } from "../protocol/entry/name.ts";

/** For a machine whose clock is wrong, and for tests of what others make of such a document (timely-file.ts). */
export const ALLOW_EXPIRED = [
  "--allow-expired",
  "take a document that has expired, or is of the future, by this machine's clock",
] as const;

/** For web servers that send a file compressed which lies there so. */
export const GZIP_BESIDE = [
  "--gzip",
  "keep each entry bundle compressed, too, beside the plain one (.gz)",
] as const;

/** What `openSigner` opens (docs/signing.md). */
export const KEY_FORMS = "a file, env:NAME, cmd:…, ssh-agent:… or pkcs11:…";

/** Before anything is published: a monitor that reads the file then never takes what comes for a stranger's. */
export const RECORD = [
  "--record <file>",
  "add what is published to this expected.toml, which `touchstone monitor` reads, before it is",
] as const;

export const DEFAULT_URL = "http://127.0.0.1:8080";

/** A host and a port, such as localhost:8080 or log.example.com:443/production, where a URL is wanted. */
const ADDRESS = /^(localhost|\[[0-9a-f:.]+\]|[a-z0-9-]+(?:\.[a-z0-9-]+)+):[0-9]{1,5}(?:\/|$)/i;
const OWN_MACHINE = /^(?:localhost|127\.[0-9.]+|\[::1\])$/i;

/** A base URL of a log, for commander's option parsing; of an address alone it is https, and http on the own machine. */
export function parseUrl(text: string): string {
  const [, host] = ADDRESS.exec(text) ?? [];
  const url = host === undefined ? text : `${OWN_MACHINE.test(host) ? "http" : "https"}://${text}`;
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new InvalidArgumentError("expected a URL such as https://log.example.com");
  const { username, password } = new URL(url);
  if (username !== "" || password !== "")
    throw new InvalidArgumentError("it has a user name or a password in it: a log asks for none");
  return url;
}

/** A base URL as `parseUrl` reads it, or the folder of a mirror. */
export function parseSource(text: string): string {
  return /^https?:\/\//.test(text) || (ADDRESS.test(text) && !existsSync(text)) ? parseUrl(text) : text;
}

const RFC_3339 = /^(\d{4}-\d{2}-\d{2})T(\d{2}):\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/;

/** An RFC 3339 time, for commander's option parsing. */
export function parseTime(text: string): Date {
  const [, day, hour] = RFC_3339.exec(text) ?? [];
  if (day === undefined)
    throw new InvalidArgumentError("expected an RFC 3339 time such as 2026-11-23T14:00:00Z");
  const ms = Date.parse(text);
  if (Number.isNaN(ms) || !isDay(day) || Number(hour) > 23)
    throw new InvalidArgumentError("is not a time that exists");
  return new Date(ms);
}

/** A whole number from 1, for commander's option parsing. */
export function parsePositive(text: string): number {
  const value = Number(text);
  if (!/^[1-9][0-9]*$/.test(text) || !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError("expected a whole number from 1");
  }
  return value;
}

/** A whole number from 0 to 2^53 − 1, for commander's option parsing. */
export function parseCount(text: string): number {
  const value = Number(text);
  if (!/^(?:0|[1-9][0-9]*)$/.test(text) || !Number.isSafeInteger(value))
    throw new InvalidArgumentError("expected a whole number from 0 to 2^53 - 1");
  return value;
}

const UNITS = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 } as const;

/** Bytes of "64G" or "68719476736"; undefined where it is neither, or more than 2^53 - 1. */
export function bytesOf(text: string): number | undefined {
  const [, digits, unit = ""] = /^([1-9][0-9]*)([KMGT]?)$/.exec(text) ?? [];
  const bytes = Number(digits) * UNITS[unit as keyof typeof UNITS];
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** A size, for commander's option parsing. */
export function parseBytes(text: string): number {
  const bytes = bytesOf(text);
  if (bytes === undefined)
    throw new InvalidArgumentError("expected bytes, or a number with K, M, G or T, as 64G");
  return bytes;
}

const DURATIONS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** Milliseconds of "10s", "10m" or "500ms", for commander's option parsing. */
export function parseDuration(text: string): number {
  const [, digits, unit = ""] = /^([1-9][0-9]{0,8})(ms|s|m|h)$/.exec(text) ?? [];
  if (digits === undefined) throw new InvalidArgumentError("expected a time such as 10s, 10m or 1h");
  return Number(digits) * DURATIONS[unit as keyof typeof DURATIONS];
}

/** A port, for commander's option parsing; 0 takes a free one. */
export function parsePort(text: string): number {
  const value = Number(text);
  if (!/^[0-9]{1,5}$/.test(text) || value > 65_535) {
    throw new InvalidArgumentError("expected a port from 0 to 65535");
  }
  return value;
}

/** The name of an entry, for commander's option parsing. */
export function parseName(text: string): string {
  if (!isName(text))
    throw new InvalidArgumentError(
      "expected a name such as acme/prod: a-z, 0-9, '.', '_', '-' and single '/', each part beginning with a letter or digit, at most 128 in all",
    );
  return text;
}

/** A challenge of 32 bytes in hex, for commander's option parsing. */
export function parseNonce(text: string): Uint8Array {
  if (!/^[0-9a-fA-F]{64}$/.test(text)) throw new InvalidArgumentError("expected 64 hex digits");
  return decodeHex(text.toLowerCase());
}

/** host:port, with an IPv6 address in brackets, for commander's option parsing. */
export function parseAddress(text: string): { host: string; port: number } {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || port === undefined)
    throw new InvalidArgumentError("expected host:port such as gpu.example.com:443");
  return { host, port: parsePort(port) };
}

const LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
const HOST_NAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);

/** The name of a host, for commander's option parsing. */
export function parseHostName(text: string): string {
  if (text.length > 253 || !HOST_NAME.test(text))
    throw new InvalidArgumentError("expected a host name such as llm.example.com");
  return text;
}

/** For an option that may be given several times. */
export function collect(value: string, earlier: readonly string[] = []): string[] {
  return [...earlier, value];
}
