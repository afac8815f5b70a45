// Attachments by their digest. Uploading one takes a signed request (RFC 9421) by a key that may publish, since bytes that no entry
// names yet carry no signature of their own.
import * as z from "zod";
import { sha256 } from "../../protocol/cryptography/hash.ts";
import { KeyRing } from "../../protocol/cryptography/key-ring.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { MAX_ATTACHMENT_BYTES } from "../../protocol/entry/attachment.ts";
import { currentTrustRoot, isKeyRevoked } from "../../protocol/registration/in-force.ts";
import { requireAttachment } from "../entries/check-attachment.ts";
import { IMMUTABLE } from "../http/headers.ts";
import { verifyRequest } from "../http/http-signature.ts";
import { hexDigest, requireHexDigest } from "../http/parameters.ts";
import { readBody, requireMediaType } from "../http/request-body.ts";
import { type Api, describeRoute, problems } from "../openapi.ts";
import { RequestProblem } from "../problem.ts";
import type { Service } from "../service.ts";

const PATH = "/v1/attachments/sha256/:digest";
const stored = z.strictObject({ digest: hexDigest, size: z.int().min(1) }).meta({ id: "StoredAttachment" });

export function addAttachments(api: Api, service: Service): void {
  const { log } = service;
  describeAttachments(api);

  api.get(PATH, async (c) => {
    const digest = requireHexDigest(c.req.param("digest"));
    const bytes = await log.read.attachment(digest);
    if (bytes === undefined) throw new RequestProblem("not-found", `there is no attachment sha256:${digest}`);
    return c.body(bytes as Uint8Array<ArrayBuffer>, 200, {
      "content-type": "application/json",
      "cache-control": IMMUTABLE,
    });
  });

  api.put(PATH, async (c) => {
    const digest = requireHexDigest(c.req.param("digest"));
    requireMediaType(c, ["application/json"]);
    const body = await readBody(c, MAX_ATTACHMENT_BYTES);
    const { pathname, search } = new URL(c.req.url);
    await requirePublisher(service, {
      method: c.req.method,
      path: pathname,
      targetUri: `${service.url}${pathname}${search}`,
      header: (name) => c.req.header(name),
      body,
    });
    if (encodeHex(sha256(body)) !== digest)
      throw new RequestProblem("digest-mismatch", "the body has another SHA-256 than the path");
    requireAttachment(body);
    const isNew = await log.putAttachment(digest, body);
    return c.json({ digest, size: body.length }, isNew ? 201 : 200);
  });
}

/** @throws what verifyRequest throws; RequestProblem "not-authorised" | "key-revoked" for a key that may not publish. */
async function requirePublisher(
  { log, clock }: Service,
  request: Parameters<typeof verifyRequest>[0],
): Promise<void> {
  const { registered } = log;
  const root = currentTrustRoot(registered)?.root;
  const keys = new KeyRing();
  await keys.add(root?.keys ?? []);
  const signer = await verifyRequest(request, keys.lookup, clock());
  if (!root?.roles.publisher.some((rule) => rule.keys.includes(signer))) {
    throw new RequestProblem("not-authorised", `the trust root gives key ${signer} no publisher role`);
  }
  if (isKeyRevoked(registered.revokedKeys, signer, registered.size)) {
    throw new RequestProblem("key-revoked", `key ${signer} is revoked; sign with another key`);
  }
}

function describeAttachments(api: Api): void {
  const path = "/v1/attachments/sha256/{digest}";
  const document = { "application/json": { schema: {} } };
  const params = z.object({ digest: hexDigest.describe("SHA-256 of the attachment, hex") });
  describeRoute(api, {
    method: "get",
    path,
    operationId: "getAttachment",
    tags: ["entries"],
    summary: "An attachment",
    request: { params },
    responses: {
      200: { description: "An RFC 8785 JSON document", content: document },
      ...problems("invalid-parameter", "not-found"),
    },
  });
  describeRoute(api, {
    method: "put",
    path,
    operationId: "putAttachment",
    tags: ["entries"],
    summary: "Upload an attachment",
    description:
      "Before the entry that names it. The request is signed (RFC 9421) by a key with a publisher role; docs/formats.md gives the profile.",
    request: {
      params,
      headers: z.object({
        "content-digest": z.string().max(128).optional().describe("sha-256 of the body (RFC 9530)"),
        "signature-input": z.string().max(1024).optional(),
        signature: z.string().max(256).optional(),
      }),
      body: { required: true, content: document },
    },
    responses: {
      200: { description: "It was stored already", content: { "application/json": { schema: stored } } },
      201: { description: "It is stored", content: { "application/json": { schema: stored } } },
      ...problems(
        "malformed",
        "invalid-parameter",
        "signature-missing",
        "signature-unknown-key",
        "signature-invalid",
        "signature-expired",
        "not-authorised",
        "key-revoked",
        "too-large",
        "unsupported-media-type",
        "digest-mismatch",
        "invalid-entry",
        "too-many-requests",
        "storage-failed",
        "timed-out",
      ),
    },
  });
}
