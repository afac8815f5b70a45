// Reads references of images as `REGISTRY/NAME@sha256:HEX`. A tag can be moved, so only digests are taken.
import { MalformedError } from "../../protocol/errors.ts";

export interface ImageReference {
  /** Host and port. */
  readonly registry: string;
  readonly name: string;
  /** "sha256:" and 64 hex digits: of the platform's manifest, or of the index over several. */
  readonly digest: string;
}

/** OCI distribution-spec 1.1, "Pulling manifests". */
const NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const REGISTRY = /^(?:localhost|[a-z0-9-]+(?:\.[a-z0-9-]+)+)(?::[0-9]{1,5})?$|^[a-z0-9-]+:[0-9]{1,5}$/i;
export const DIGEST = /^sha256:[0-9a-f]{64}$/;
const MAX_NAME = 255;

/** @throws MalformedError saying what of it is missing. */
export function parseImageReference(text: string): ImageReference {
  const [path = "", digest] = text.split("@");
  const slash = path.indexOf("/");
  const registry = path.slice(0, Math.max(slash, 0));
  const name = path.slice(slash + 1);
  if (digest === undefined)
    throw malformed(`"${text}" names a tag, which can be moved: give REGISTRY/NAME@sha256:…`);
  if (!DIGEST.test(digest) || text.split("@").length !== 2)
    throw malformed(`"${digest}" is not sha256: and 64 lower-case hex digits`);
  if (!REGISTRY.test(registry)) throw malformed(`"${text}" does not begin with the host of a registry`);
  if (name.length > MAX_NAME || !NAME.test(name)) throw malformed(`"${name}" is no name of a repository`);
  return { registry, name, digest };
}

function malformed(why: string): MalformedError {
  return new MalformedError("image reference", why);
}
