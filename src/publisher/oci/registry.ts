// Talks to a registry by the OCI distribution-spec 1.1. Whatever comes back is held against the digest that it was asked by.
import { sha256 } from "../../protocol/cryptography/hash.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { MalformedError, VerificationError } from "../../protocol/errors.ts";
import { type Answer, fetchAnswer } from "../../verifier/fetch-answer.ts";
import { RefusedError } from "../../verifier/service-errors.ts";

export interface RegistryOptions {
  readonly registry: string;
  /** Name of the repository. */
  readonly name: string;
  readonly fetch: typeof fetch;
  /** "Basic …", or null. */
  readonly credentials: string | null;
}

interface Ask {
  readonly method?: "GET" | "HEAD" | "POST" | "PUT";
  readonly accept?: string;
  readonly type?: string;
  readonly body?: Uint8Array;
  /** Most bytes of the answer. */
  readonly limit?: number;
}

const MAX_MANIFEST = 4 * 1_048_576;
const OWN_MACHINE = /^(?:localhost|127\.[0-9.]+)(?::|$)/;
export type OciCode = "oci-digest";

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${encodeHex(sha256(bytes))}`;
}

export class Registry {
  readonly #options: RegistryOptions;
  readonly #base: string;
  /** What registries want after they said 401: a token, or the credentials themselves. */
  #authorization: string | null = null;

  constructor(options: RegistryOptions) {
    this.#options = options;
    const scheme = OWN_MACHINE.test(options.registry) ? "http" : "https";
    this.#base = `${scheme}://${options.registry}`;
  }

  /** @returns null for 404. @throws RefusedError for any other answer that is not a success. */
  async ask(path: string, ask: Ask = {}): Promise<Answer | null> {
    const url = new URL(path, `${this.#base}/v2/${this.#options.name}/`);
    let answer = await this.#send(url, ask);
    if (answer.status === 401 && url.origin === this.#base) {
      this.#authorization = await this.#authorise(answer);
      answer = await this.#send(url, ask);
    }
    if (answer.status === 404) return null;
    if (!answer.ok) throw refused(url, answer.status);
    return answer;
  }

  /** The bytes of a manifest. @throws VerificationError where they are not what its digest says. */
  async manifest(reference: string, accept: string): Promise<{ bytes: Uint8Array; type: string } | null> {
    const answer = await this.ask(`manifests/${reference}`, { accept, limit: MAX_MANIFEST });
    if (answer === null) return null;
    if (reference.startsWith("sha256:")) requireDigest(answer.body, reference);
    return { bytes: answer.body, type: answer.headers.get("content-type") ?? "" };
  }

  /** A blob of at most `limit` bytes. A registry may send whoever asks to where its blobs lie; credentials stay here. */
  async blob(digest: string, limit: number): Promise<Uint8Array> {
    const answer = await this.ask(`blobs/${digest}`, { limit });
    if (answer === null) throw new RefusedError(404, null, `${this.#options.registry} has no blob ${digest}`);
    requireDigest(answer.body, digest);
    return answer.body;
  }

  async upload(bytes: Uint8Array): Promise<string> {
    const digest = digestOf(bytes);
    if ((await this.ask(`blobs/${digest}`, { method: "HEAD" })) !== null) return digest;
    const started = await this.ask("blobs/uploads/", { method: "POST" });
    const location = started?.headers.get("location");
    if (location === null || location === undefined)
      throw new MalformedError("registry's answer", "no Location to upload to");
    const target = new URL(location, this.#base);
    if (target.origin !== this.#base)
      throw new MalformedError("registry's answer", "it wants the upload at another host");
    target.searchParams.set("digest", digest);
    await this.#required(target.href, { method: "PUT", body: bytes, type: "application/octet-stream" });
    return digest;
  }

  async putManifest(reference: string, bytes: Uint8Array, type: string): Promise<Answer> {
    return this.#required(`manifests/${reference}`, { method: "PUT", body: bytes, type });
  }

  async #required(path: string, ask: Ask): Promise<Answer> {
    const answer = await this.ask(path, ask);
    if (answer === null)
      throw new RefusedError(404, null, `${this.#options.registry} has no repository ${this.#options.name}`);
    return answer;
  }

  #send(url: URL, { method = "GET", accept, type, body, limit = 65_536 }: Ask): Promise<Answer> {
    const authorization = url.origin === this.#base ? this.#authorization : null;
    const headers = {
      ...(accept !== undefined && { accept }),
      ...(type !== undefined && { "content-type": type }),
      ...(authorization !== null && { authorization }),
    };
    return fetchAnswer(url.href, {
      fetch: this.#options.fetch,
      limit,
      tooLong: () => new MalformedError("registry's answer", `longer than ${limit} bytes`),
      init: { method, headers, ...(body !== undefined && { body: body as Uint8Array<ArrayBuffer> }) },
    });
  }

  /** Basic as it is, or a token from where the registry says (distribution "Token Authentication"). */
  async #authorise(answer: Answer): Promise<string | null> {
    const challenge = answer.headers.get("www-authenticate") ?? "";
    const { credentials } = this.#options;
    if (/^basic\b/i.test(challenge)) return credentials;
    const realm = parameter(challenge, "realm");
    if (!/^bearer\b/i.test(challenge) || realm === undefined || !URL.canParse(realm)) return credentials;
    const url = new URL(realm);
    if (url.protocol !== "https:" && !OWN_MACHINE.test(url.host))
      throw new MalformedError("registry's answer", `it wants the credentials over ${url.protocol}`);
    for (const name of ["service", "scope"]) {
      const value = parameter(challenge, name);
      if (value !== undefined) url.searchParams.set(name, value);
    }
    const given = await fetchAnswer(url.href, {
      fetch: this.#options.fetch,
      limit: 65_536,
      tooLong: () => new MalformedError("registry's token", "too long"),
      init: { headers: credentials === null ? {} : { authorization: credentials }, redirect: "manual" },
    });
    if (!given.ok) throw refused(url, given.status);
    return `Bearer ${readToken(given.body)}`;
  }
}

function readToken(body: Uint8Array): string {
  let token: unknown;
  try {
    const json = JSON.parse(decodeUtf8(body));
    token = json.token ?? json.access_token;
  } catch {
    throw new MalformedError("registry's token", "not JSON");
  }
  if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token))
    throw new MalformedError("registry's token", "none in it");
  return token;
}

function parameter(challenge: string, name: string): string | undefined {
  return new RegExp(`[\\s,]${name}="([^"]*)"`, "i").exec(challenge)?.[1];
}

function requireDigest(bytes: Uint8Array, digest: string): void {
  if (digestOf(bytes) !== digest)
    throw new VerificationError<OciCode>("oci-digest", `the registry's bytes are not those of ${digest}`);
}

/** The path alone: a query may hold what is nobody's business. */
function refused({ host, pathname }: URL, status: number): RefusedError {
  const login = status === 401 || status === 403 ? "; log in with docker, or set DOCKER_CONFIG" : "";
  return new RefusedError(status, null, `${host}${pathname}: answered ${status}${login}`);
}
