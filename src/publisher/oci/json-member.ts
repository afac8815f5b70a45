// Reads members of JSON of others, whatever it turns out to be.

/** undefined where the value has no such member of its own, or is no object. */
export function member(value: unknown, name: string): unknown {
  return value !== null && typeof value === "object" && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}
