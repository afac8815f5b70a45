// A small S3 server on loopback, which checks every signature by itself (AWS Signature Version 4), and misbehaves where it is told to.
import { createHash, createHmac, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

export interface FakeObject {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  modified: Date;
}

export interface Faults {
  /** Conditions of this name are ignored. */
  ignore?: "if-match" | "if-none-match";
  /** Requests to come that are carried out and answered 500. */
  failAfterWriting?: number;
  /** Requests to come that are answered 503, and not carried out. */
  unavailable?: number;
  /** Requests to come that are carried out, and whose connection is cut before the answer. */
  cutAfterWriting?: number;
  /** Writes to come that are answered 409, as AWS does where two conditional requests meet. */
  conflict?: number;
  /** Milliseconds that every answer waits. */
  slowMs?: number;
  /** Answers to GET to come that end after half of what they announce. */
  truncate?: number;
  /** Where every request is sent to. */
  redirectTo?: string;
  /** If-Match works without the quotes of the tag alone, as in radosgw 16. */
  plainTags?: boolean;
  /** Anybody may read, as the owner of a bucket can allow. */
  isPublic?: boolean;
  /** A request to replace what is not there creates it, as old MinIO did. */
  createsByIfMatch?: boolean;
}

export interface FakeS3 {
  readonly endpoint: string;
  readonly objects: Map<string, FakeObject>;
  /** Method and key of every request whose signature was right. */
  readonly requests: string[];
  /** Every request as it came, without its body. */
  readonly raw: Array<{
    readonly method: string;
    readonly url: string;
    readonly headers: NodeJS.Dict<string | string[]>;
  }>;
  faults: Faults;
  close(): Promise<void>;
}

export const FAKE_S3 = {
  bucket: "tlog",
  region: "eu-test-1",
  accessKey: "AKFAKE",
  secretKey: "SKfake/secret+key",
};
const PAGE = 10;

export async function startFakeS3(): Promise<FakeS3> {
  const objects = new Map<string, FakeObject>();
  const fake = { objects, requests: [], raw: [], faults: {} } as unknown as FakeS3 & { endpoint: string };
  const server = createServer((request, response) => {
    answer(fake, request, response).catch((error) => response.destroy(error));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  fake.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  fake.close = () => stop(server);
  return fake;
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function answer(fake: FakeS3, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = "", url = "", headers } = request;
  fake.raw.push({ method, url, headers });
  const body = await readAll(request);
  const { faults } = fake;
  if (faults.slowMs) await pause(faults.slowMs);
  if (faults.redirectTo !== undefined)
    return end(response, 307, "", { location: `${faults.redirectTo}${url}` });
  const isOpen = faults.isPublic === true && method === "GET" && headers.authorization === undefined;
  const refusal = isOpen ? null : judge(request, body);
  if (refusal !== null) return end(response, 403, errorXml(refusal));
  const { pathname, searchParams } = new URL(url, fake.endpoint);
  const [bucket, ...rest] = pathname.slice(1).split("/");
  const key = decodeURIComponent(rest.join("/"));
  fake.requests.push(`${method} ${key}`);
  if (bucket !== FAKE_S3.bucket) return end(response, 404, errorXml("NoSuchBucket"));
  if (take(faults, "unavailable")) return end(response, 503, errorXml("SlowDown"));
  if (method === "GET" && key === "") return end(response, 200, listing(fake, searchParams));
  if (method === "GET") return void send(fake, key, response);
  if (method === "DELETE") {
    fake.objects.delete(key);
    return end(response, 204, "");
  }
  if (take(faults, "conflict")) return end(response, 409, errorXml("ConditionalRequestConflict"));
  put(fake, key, request, body, response);
}

function put(
  fake: FakeS3,
  key: string,
  { headers }: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
): unknown {
  const { faults, objects } = fake;
  const there = objects.get(key);
  const wants = faults.ignore === "if-match" ? undefined : headers["if-match"];
  const none = faults.ignore === "if-none-match" ? undefined : headers["if-none-match"];
  if (none === "*" && there !== undefined) return end(response, 412, errorXml("PreconditionFailed"));
  if (wants !== undefined && there === undefined && !faults.createsByIfMatch)
    return end(response, 404, errorXml("NoSuchKey"));
  const tag = there && (faults.plainTags ? tagOf(there) : `"${tagOf(there)}"`);
  if (wants !== undefined && there !== undefined && wants !== tag)
    return end(response, 412, errorXml("PreconditionFailed"));
  const kept = ["content-type", "cache-control", "content-encoding"].flatMap((name) => {
    const value = headers[name];
    return typeof value === "string" ? [[name, value] as const] : [];
  });
  const object = { body, headers: Object.fromEntries(kept), modified: new Date() };
  objects.set(key, object);
  if (take(faults, "cutAfterWriting")) return response.destroy();
  if (take(faults, "failAfterWriting")) return end(response, 500, errorXml("InternalError"));
  return end(response, 200, "", { etag: `"${tagOf(object)}"` });
}

function send({ objects, faults }: FakeS3, key: string, response: ServerResponse): unknown {
  const object = objects.get(key);
  if (object === undefined) return end(response, 404, errorXml("NoSuchKey"));
  const { body, headers } = object;
  response.writeHead(200, { ...headers, etag: `"${tagOf(object)}"`, "content-length": body.length });
  if (!take(faults, "truncate")) return response.end(body);
  return response.write(body.subarray(0, body.length / 2), () => response.destroy());
}

function listing({ objects }: FakeS3, query: URLSearchParams): string {
  const prefix = query.get("prefix") ?? "";
  const after = query.get("continuation-token") ?? "";
  const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
  const page = keys.slice(0, PAGE);
  const contents = page.map(
    (key) =>
      `<Contents><Key>${key}</Key><LastModified>${objects.get(key)?.modified.toISOString()}</LastModified></Contents>`,
  );
  const isTruncated = keys.length > PAGE;
  const next = isTruncated ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : "";
  return `<?xml version="1.0"?><ListBucketResult><IsTruncated>${isTruncated}</IsTruncated>${contents.join("")}${next}</ListBucketResult>`;
}

/** The code of what is wrong with the signature, or null. */
function judge({ method = "", url = "", headers }: IncomingMessage, body: Buffer): string | null {
  const form =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/;
  const [, access, day = "", region, signed = "", signature] = form.exec(headers.authorization ?? "") ?? [];
  if (access !== FAKE_S3.accessKey) return "InvalidAccessKeyId";
  if (region !== FAKE_S3.region) return "AuthorizationHeaderMalformed";
  if (headers["x-amz-content-sha256"] !== sha256(body)) return "XAmzContentSHA256Mismatch";
  const { pathname, searchParams } = new URL(url, "http://localhost");
  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const query = [...searchParams]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join("&");
  const path = decodeURIComponent(pathname).split("/").map(encode).join("/");
  const canonical = [
    method,
    path,
    query,
    ...signed.split(";").map((name) => `${name}:${String(headers[name]).trim().replace(/\s+/g, " ")}`),
    "",
    signed,
    sha256(body),
  ].join("\n");
  const scope = `${day}/${region}/s3/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, sha256(canonical)].join("\n");
  const hmac = (key: Buffer | string, text: string) => createHmac("sha256", key).update(text).digest();
  const key = [day, FAKE_S3.region, "s3", "aws4_request"].reduce<Buffer | string>(
    hmac,
    `AWS4${FAKE_S3.secretKey}`,
  );
  return hmac(key, toSign).toString("hex") === signature ? null : "SignatureDoesNotMatch";
}

function take(
  faults: Faults,
  name: "failAfterWriting" | "unavailable" | "cutAfterWriting" | "conflict" | "truncate",
): boolean {
  const left = faults[name] ?? 0;
  if (left > 0) faults[name] = left - 1;
  return left > 0;
}

const sha256 = (content: Buffer | string) => createHash("sha256").update(content).digest("hex");
const tagOf = ({ body }: FakeObject) => createHash("md5").update(body).digest("hex");

/** As S3's own, it repeats what nobody should see in a log line. */
function errorXml(code: string): string {
  return `<?xml version="1.0"?><Error><Code>${code}</Code><AWSAccessKeyId>${FAKE_S3.accessKey}</AWSAccessKeyId><RequestId>${randomUUID()}</RequestId></Error>`;
}

function end(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, headers);
  response.end(status === 204 ? undefined : body);
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
