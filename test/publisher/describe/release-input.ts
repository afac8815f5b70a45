// What a release engineer would type, for tests that are about the files.
import type { ReleaseInput } from "../../../src/publisher/describe/release-fields.ts";

export const RELEASE: ReleaseInput = {
  name: "acme/gold",
  version: "1.0-1",
  channel: "stable",
  svn: 3,
  builder: "https://ci.acme.example",
  source: "https://git.acme.example/gold",
};

/** The statement in a describe's payload. */
export function statementOf(payload: Uint8Array): {
  subject: { name: string; digest: { sha256: string } }[];
  predicateType: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at single members of any kind's predicate.
  predicate: any;
} {
  return JSON.parse(new TextDecoder().decode(payload));
}
