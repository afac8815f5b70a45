// Names what belongs to one connection and not to the message that it carries: whoever passes a message on leaves it behind.

/** Header fields, in lower case (RFC 9110 §7.6.1). `Connection` names more of them. */
export const CONNECTION_FIELDS: readonly string[] = [
  "connection",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** The fields that a message names as its connection's own, in lower case. */
export function namedByConnection(fields: ReadonlyArray<readonly [name: string, value: string]>): string[] {
  return fields.flatMap(([name, value]) =>
    name.toLowerCase() === "connection" ? value.split(",").map((token) => token.trim().toLowerCase()) : [],
  );
}

/** Replies of these statuses have no content (Fetch, "null body status"). */
export const WITHOUT_CONTENT: readonly number[] = [204, 205, 304];
