// Chooses the header fields that go through the proxy: all but those of one connection (RFC 9110 §7.6.1), Host, and what only a verifier may
// say about the machine.

import { CONNECTION_FIELDS, namedByConnection } from "../../sealed/one-connection.ts";

const OF_ONE_CONNECTION = [...CONNECTION_FIELDS, "proxy-authenticate"];
/** Host is the machine's; a client that waits for 100 Continue has it from the proxy. */
const OF_THE_PROXY = ["host", "expect"];
/** A front end may not say how it was appraised. */
const OWN_PREFIX = "touchstone-";

type Field = readonly [name: string, value: string];

/** @param raw names and values in turn, as Node's `rawHeaders`. */
export function forwardedToMachine(raw: readonly string[]): string[] {
  return kept(raw, OF_THE_PROXY).flat();
}

export function forwardedToClient(raw: readonly string[]): string[] {
  return kept(raw, []).flat();
}

function kept(raw: readonly string[], besides: readonly string[]): Field[] {
  const fields = pairsOf(raw);
  const dropped = new Set([...OF_ONE_CONNECTION, ...besides, ...namedByConnection(fields)]);
  return fields.filter(([name]) => {
    const lower = name.toLowerCase();
    return !dropped.has(lower) && !lower.startsWith(OWN_PREFIX);
  });
}

function pairsOf(raw: readonly string[]): Field[] {
  return raw.flatMap((name, i) => (i % 2 === 0 ? [[name, raw[i + 1] ?? ""] as const] : []));
}
