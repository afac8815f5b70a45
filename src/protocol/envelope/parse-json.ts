// Reads JSON strictly (RFC 8259, and I-JSON RFC 7493 §2.3): duplicate member names, lone surrogates, deep nesting and numbers that
// a double cannot hold are refused, since two readers could disagree about each of them. JSON.parse accepts all four.

import { decodeUtf8 } from "../encoding/text.ts";
import { MalformedError } from "../errors.ts";
import { type Json, LONE_SURROGATE, MAX_DEPTH } from "./canonical-json.ts";

const FORMAT = "JSON";
const WHITE_SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

/**
 * Parses one JSON text that fills its input.
 * @param input UTF-8 bytes or a string; @param maxBytes refuses longer input before reading it.
 * @throws MalformedError with the character offset of the fault.
 * @example
 * ```ts
 * import { parseJson } from "touchstone/protocol";
 * parseJson('{"a":1}', 1024);
 * parseJson('{"a":1,"a":2}', 1024); // throws MalformedError: a member appears twice
 * ```
 */
export function parseJson(input: Uint8Array | string, maxBytes: number): Json {
  if (input.length > maxBytes) throw new MalformedError(FORMAT, `longer than ${maxBytes} bytes`);
  const parser = new Parser(typeof input === "string" ? input : decodeUtf8(input));
  const value = parser.value(0);
  parser.end();
  return value;
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): Json {
    if (depth > MAX_DEPTH) this.#fail(`nested deeper than ${MAX_DEPTH}`);
    this.#skip();
    const first = this.#text[this.#at];
    if (first === "{") return this.#object(depth);
    if (first === "[") return this.#array(depth);
    if (first === '"') return this.#string();
    if (first === "t") return this.#word("true", true);
    if (first === "f") return this.#word("false", false);
    if (first === "n") return this.#word("null", null);
    return this.#number();
  }

  end(): void {
    this.#skip();
    if (this.#at < this.#text.length) this.#fail("text after the value");
  }

  #object(depth: number): Json {
    const members = new Map<string, Json>();
    this.#at++;
    if (this.#closes("}")) return {};
    do {
      this.#skip();
      const name = this.#string();
      if (members.has(name)) this.#fail(`member ${JSON.stringify(name)} appears twice`);
      if (name === "__proto__") this.#fail('member "__proto__" is not allowed');
      this.#skip();
      if (this.#text[this.#at++] !== ":") this.#fail("expected ':'");
      members.set(name, this.value(depth + 1));
    } while (this.#continues("}"));
    return Object.fromEntries(members);
  }

  #array(depth: number): Json {
    const items: Json[] = [];
    this.#at++;
    if (this.#closes("]")) return items;
    do items.push(this.value(depth + 1));
    while (this.#continues("]"));
    return items;
  }

  /** Found without a pattern: one that goes on for megabytes overflows the engine's stack. JSON.parse judges the escapes. */
  #string(): string {
    const start = this.#at;
    let end = start;
    let backslashes = 1;
    while (backslashes % 2 === 1) {
      end = this.#text.indexOf('"', end + 1);
      for (backslashes = 0; this.#text[end - 1 - backslashes] === "\\"; ) backslashes++;
    }
    let value: unknown;
    try {
      value = JSON.parse(this.#text.slice(start, end + 1));
    } catch {}
    if (typeof value !== "string") this.#fail("expected a string");
    if (LONE_SURROGATE.test(value)) this.#fail("a string holds a lone surrogate");
    this.#at = end + 1;
    return value;
  }

  #number(): number {
    NUMBER.lastIndex = this.#at;
    const digits = NUMBER.exec(this.#text)?.[0];
    if (digits === undefined) this.#fail("expected a value");
    const value = Number(digits);
    if (!Number.isFinite(value)) this.#fail("a number is out of range");
    this.#at = NUMBER.lastIndex;
    return value;
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) this.#fail("expected a value");
    this.#at += word.length;
    return value;
  }

  #closes(bracket: string): boolean {
    this.#skip();
    if (this.#text[this.#at] !== bracket) return false;
    this.#at++;
    return true;
  }

  #continues(bracket: string): boolean {
    this.#skip();
    const next = this.#text[this.#at++];
    if (next === ",") return true;
    if (next === bracket) return false;
    return this.#fail(`expected ',' or '${bracket}'`);
  }

  #skip(): void {
    WHITE_SPACE.lastIndex = this.#at;
    WHITE_SPACE.test(this.#text);
    this.#at = WHITE_SPACE.lastIndex;
  }

  #fail(detail: string): never {
    throw new MalformedError(FORMAT, detail, this.#at);
  }
}
