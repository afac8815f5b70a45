// A registry in memory, as its clients see it through `fetch`: with the referrers API or without, and dishonest where a test says so.
import { sha256 } from "../../src/protocol/cryptography/hash.ts";
import { encodeHex } from "../../src/protocol/encoding/hex.ts";

const digestOf = (bytes: Uint8Array) => `sha256:${encodeHex(sha256(bytes))}`;

interface Stored {
  readonly bytes: Uint8Array;
  readonly type: string;
}

export class FakeRegistry {
  readonly manifests = new Map<string, Stored>();
  readonly blobs = new Map<string, Uint8Array>();
  /** Every request as "METHOD path", and the authorization that it came with. */
  readonly seen: { readonly line: string; readonly host: string; readonly authorization: string | null }[] =
    [];
  referrers = true;
  /** Wants a token from its own /token, for these credentials. */
  credentials: string | null = null;
  /** Sends whoever asks for a blob to this host. */
  blobHost: string | null = null;

  readonly fetch: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    const url = new URL(request.url);
    this.seen.push({
      line: `${request.method} ${url.pathname}`,
      host: url.host,
      authorization: request.headers.get("authorization"),
    });
    return this.#answer(request, url);
  };

  push(bytes: Uint8Array, type: string, reference = digestOf(bytes)): string {
    this.manifests.set(reference, { bytes, type });
    this.manifests.set(digestOf(bytes), { bytes, type });
    return digestOf(bytes);
  }

  async #answer(request: Request, url: URL): Promise<Response> {
    if (url.pathname === "/token") {
      const known = request.headers.get("authorization") === this.credentials;
      return known ? Response.json({ token: "a-token" }) : new Response(null, { status: 401 });
    }
    if (this.credentials !== null && request.headers.get("authorization") !== "Bearer a-token") {
      const challenge = `Bearer realm="${url.origin}/token",service="registry",scope="repository:acme/guest:pull,push"`;
      return new Response(null, { status: 401, headers: { "www-authenticate": challenge } });
    }
    const [, kind, reference = ""] =
      /^\/v2\/acme\/guest\/(manifests|blobs|referrers)\/(.+)$/.exec(url.pathname) ?? [];
    if (kind === "manifests") return this.#manifest(request, reference);
    if (kind === "blobs") return this.#blob(request, url, reference);
    return kind === "referrers" && this.referrers
      ? this.#list(reference)
      : new Response(null, { status: 404 });
  }

  async #manifest(request: Request, reference: string): Promise<Response> {
    if (request.method === "PUT") {
      const bytes = new Uint8Array(await request.arrayBuffer());
      this.push(bytes, request.headers.get("content-type") ?? "", reference);
      const subject = JSON.parse(new TextDecoder().decode(bytes)).subject?.digest;
      const headers = this.referrers && subject !== undefined ? { "oci-subject": subject } : {};
      return new Response(null, { status: 201, headers });
    }
    const found = this.manifests.get(reference);
    if (found === undefined) return new Response(null, { status: 404 });
    return new Response(found.bytes as Uint8Array<ArrayBuffer>, { headers: { "content-type": found.type } });
  }

  async #blob(request: Request, url: URL, reference: string): Promise<Response> {
    if (request.method === "POST")
      return new Response(null, {
        status: 202,
        headers: { location: "/v2/acme/guest/blobs/uploads/1?state=x" },
      });
    if (request.method === "PUT") {
      const bytes = new Uint8Array(await request.arrayBuffer());
      this.blobs.set(url.searchParams.get("digest") ?? "", bytes);
      return new Response(null, { status: 201 });
    }
    const found = this.blobs.get(reference);
    if (found === undefined) return new Response(null, { status: 404 });
    return request.method === "HEAD" ? new Response(null) : new Response(found as Uint8Array<ArrayBuffer>);
  }

  #list(subject: string): Response {
    const manifests = [...this.manifests].flatMap(([digest, { bytes, type }]) => {
      if (!digest.startsWith("sha256:")) return [];
      const json = JSON.parse(new TextDecoder().decode(bytes));
      // As registries in use state it: the type of the configuration, not of the artifact.
      return json.subject?.digest === subject
        ? [{ mediaType: type, digest, size: bytes.length, artifactType: json.config.mediaType }]
        : [];
    });
    return Response.json({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.index.v1+json",
      manifests,
    });
  }
}
