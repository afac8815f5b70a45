// Records the examples of openapi.yaml: every operation is called on a real service, and what it answers is the example of that answer.
import type {
  OpenAPIObject,
  OperationObject,
  ParameterObject,
  RequestBodyObject,
  ResponseObject,
} from "openapi3-ts/oas31";
import { packageVersion } from "../src/node/package-root.ts";
import { encodeCbor, map } from "../src/protocol/cose/cbor.ts";
import { encodeBase64Url } from "../src/protocol/encoding/base64url.ts";
import { openApiDocument } from "../src/service/openapi.ts";
import { PROBLEM_MEDIA_TYPE } from "../src/service/problem.ts";
import { CORIM_PROFILE } from "../src/views/corim.ts";
import { type ExampleService, startExampleService } from "../test/support/example-service.ts";

/** A call of an operation; parameters by their names, whatever they are in. */
interface Call {
  readonly parameters?: Readonly<Record<string, string | number>>;
  readonly accept?: string;
  readonly body?: string;
  /** Of an answer in paragraphs, the one to show: the others hold times. */
  readonly paragraph?: string;
}

/** Stands for the one thing in an answer that is drawn at random. */
const REQUEST_ID = "3f0c8a52-9d4e-4b6f-8a17-5c2e9b7d1f60";

/** Reference values of TDX guests, collected. */
const COSERV_QUERY = encodeBase64Url(
  encodeCbor(
    map(
      [0, CORIM_PROFILE],
      [1, map([0, 2], [1, map([0, [[map([1, "Intel Corporation"], [2, "TDX guest"])]]])], [2, 0])],
    ),
  ),
);

/** What is asked of each operation, in this order. The first call shows what its parameters look like. */
function callsOf(service: ExampleService): Array<readonly [operationId: string, call: Call]> {
  const { kernel, revoked, byIdentity, attachment, size, firstSize, unseen } = service;
  const [name, beyond] = ["production", 1_000_000];
  const width = size % 256;
  const { statement, payloadDigest, signatures } = kernel.envelope;
  const search = {
    kind: statement.kind,
    name: statement.name,
    version: statement.version,
    digest: `sha256:${payloadDigest}`,
    publisher: signatures[0]?.keyId ?? "",
    cursor: String(size),
    limit: 20,
  };
  const [first = "", second = ""] = unseen.envelopes;
  const [batch = ""] = unseen.batches;
  const nobody = JSON.stringify({ ...JSON.parse(first), signatures: [] });
  return [
    ["getCheckpoint", {}],
    ["getTile", { parameters: { level: 0, number: "000" } }],
    ["getTile", { parameters: { level: 0, number: "999" } }],
    ["getPartialTile", { parameters: { level: 0, number: "001", width } }],
    ["getPartialTile", { parameters: { level: 0, number: "999", width } }],
    ["getEntryBundle", { parameters: { number: "000" } }],
    ["getEntryBundle", { parameters: { number: "999" } }],
    ["getPartialEntryBundle", { parameters: { number: "001", width } }],
    ["getPartialEntryBundle", { parameters: { number: "999", width } }],
    ["getPolicyBundle", { parameters: { name } }],
    ["getPolicyBundle", { parameters: { name, since: size - 2 } }],
    ["getPolicyBundle", { parameters: { name: "nobody-made-this" } }],
    ["getPolicyBundle", { parameters: { name: "A/b" } }],
    ["getPolicyBundle", { parameters: { name }, accept: "application/rim+cbor" }],
    ["getPolicyBundle", { parameters: { name }, accept: "application/rim+cose" }],
    ["getPolicyBundle", { parameters: { name }, accept: 'application/rim+cbor; profile="urn:other"' }],
    ["getPolicyBundleVersion", { parameters: { name, version: 1 } }],
    ["getPolicyBundleVersion", { parameters: { name, version: 7 } }],
    ["getPolicyBundleVersion", { parameters: { name, version: "one" } }],
    ["getInclusionProof", { parameters: { index: kernel.index, size } }],
    ["getInclusionProof", { parameters: { index: kernel.index }, accept: "text/plain" }],
    ["getInclusionProof", { parameters: { index: beyond } }],
    ["getInclusionProof", { parameters: { index: "last" } }],
    ["getReceipt", { parameters: { index: kernel.index, size } }],
    ["getReceipt", { parameters: { index: beyond } }],
    ["getReceipt", { parameters: { index: "last" } }],
    ["getConsistencyReceipt", { parameters: { from: firstSize, to: size } }],
    ["getConsistencyReceipt", { parameters: { from: 1, to: beyond } }],
    ["getConsistencyReceipt", { parameters: { from: 2, to: 1 } }],
    ["listEntries", { parameters: search }],
    ["listEntries", { parameters: { limit: 3 } }],
    ["listEntries", { parameters: { limit: 1000 } }],
    ["getEntry", { parameters: { index: revoked } }],
    ["getEntry", { parameters: { index: beyond } }],
    ["getEntry", { parameters: { index: "last" } }],
    ["getAttachment", { parameters: { digest: attachment } }],
    ["getAttachment", { parameters: { digest: "0".repeat(64) } }],
    ["getAttachment", { parameters: { digest: "abc" } }],
    ["getConfirmation", { parameters: { index: byIdentity } }],
    ["getConfirmation", { parameters: { index: kernel.index } }],
    ["getConfirmation", { parameters: { index: beyond } }],
    ["getConfirmation", { parameters: { index: "last" } }],
    ["lookUp", { parameters: { type: "name", value: `kernel-patch-set/${statement.name}`, since: size } }],
    ["lookUp", { parameters: { type: "digest", value: "0".repeat(64) } }],
    ["lookUp", { parameters: { type: "digest", value: "0".repeat(64), since: beyond } }],
    ["lookUp", { parameters: { type: "digest", value: "abc" } }],
    ["getConsistencyProof", { parameters: { from: size - 2, to: size } }],
    ["getConsistencyProof", { parameters: { from: 1, to: beyond } }],
    ["getConsistencyProof", { parameters: { from: 2, to: 1 } }],
    ["listCheckpoints", { parameters: { size } }],
    ["listCheckpoints", { parameters: { size: "all" } }],
    ["listPolicies", {}],
    ["getCoservDiscovery", {}],
    ["queryCoserv", { parameters: { query: COSERV_QUERY } }],
    ["getTrustRoot", {}],
    ["getStatus", {}],
    ["listRevocations", { parameters: { cursor: String(size), limit: 20 } }],
    ["listRevocations", { parameters: { limit: 0 } }],
    ["getEntryPage", { parameters: { index: kernel.index } }],
    ["getStatementFile", { parameters: { index: kernel.index } }],
    ["getStatementFile", { parameters: { index: beyond } }],
    ["getEnvelopeFile", { parameters: { index: kernel.index } }],
    ["getEnvelopeFile", { parameters: { index: beyond } }],
    ["getPolicyPage", { parameters: { name } }],
    ["getPolicyBadge", { parameters: { name } }],
    ["getPolicyBadge", { parameters: { name: "nobody-made-this" } }],
    ["getLogPage", {}],
    ["getSearchPage", { parameters: { q: statement.name, cursor: String(size) } }],
    ["getFeed", { parameters: { feed: "revocations" } }],
    ["getFeed", { parameters: { feed: "statuses" } }],
    ["getSecurityTxt", {}],
    ["getHealth", {}],
    ["getReadiness", {}],
    ["getMetrics", { paragraph: "touchstone_tree_size" }],
    ["publishEntry", { body: first }],
    ["publishEntry", { body: first }],
    ["publishEntry", { body: first, accept: "text/plain" }],
    ["publishEntry", { body: second, accept: "text/plain" }],
    ["publishEntry", { body: "{" }],
    ["publishEntry", { body: nobody }],
    ["publishBatch", { body: batch }],
    ["publishBatch", { body: batch }],
    ["publishBatch", { body: batch.split("\n").reverse().join("\n") }],
  ];
}

/** What is asked once the quorum is lost. */
function lateCallsOf({ unseen }: ExampleService): Array<readonly [operationId: string, call: Call]> {
  return [
    ["publishEntry", { body: unseen.envelopes[2] ?? "" }],
    ["publishBatch", { body: unseen.batches[1] ?? "" }],
  ];
}

/** The description of the interface, with an example of every parameter, every body and every answer that can be written down. */
export async function describedApi(): Promise<OpenAPIObject> {
  const service = await startExampleService();
  try {
    const document = openApiDocument(service.harness.app, packageVersion());
    for (const [operationId, call] of callsOf(service)) await record(document, service, operationId, call);
    service.loseQuorum();
    for (const [operationId, call] of lateCallsOf(service))
      await record(document, service, operationId, call);
    return document;
  } finally {
    await service.harness.stop();
  }
}

async function record(
  document: OpenAPIObject,
  { harness }: ExampleService,
  operationId: string,
  { parameters = {}, accept, body, paragraph }: Call,
): Promise<void> {
  const { method, path, operation } = operationOf(document, operationId);
  const [type] = Object.keys((operation.requestBody as RequestBodyObject | undefined)?.content ?? {});
  const response = await harness.app.request(urlOf(path, operation, parameters), {
    method,
    headers: { ...(accept && { accept }), ...(type && { "content-type": type }) },
    ...(body !== undefined && { body }),
  });
  if (response.ok) showRequest(operation, parameters, body);
  await showAnswer(operation, response, paragraph);
}

function operationOf(document: OpenAPIObject, operationId: string) {
  for (const [path, item] of Object.entries(document.paths ?? {}))
    for (const method of ["get", "post"] as const)
      if (item[method]?.operationId === operationId) return { method, path, operation: item[method] };
  throw new Error(`openapi.yaml has no operation ${operationId}`);
}

function urlOf(
  path: string,
  { parameters = [] }: OperationObject,
  values: Required<Call>["parameters"],
): string {
  const query = new URLSearchParams();
  let filled = path;
  for (const { name, in: where } of parameters as ParameterObject[]) {
    const value = values[name];
    if (where === "path") filled = filled.replace(`{${name}}`, encodeURIComponent(String(value)));
    else if (where === "query" && value !== undefined) query.set(name, String(value));
  }
  return query.size > 0 ? `${filled}?${query}` : filled;
}

/** The first good call that has a parameter or a body shows it. */
function showRequest(
  operation: OperationObject,
  values: Required<Call>["parameters"],
  body: string | undefined,
): void {
  for (const parameter of (operation.parameters ?? []) as ParameterObject[])
    if (values[parameter.name] !== undefined) parameter.example ??= values[parameter.name];
  const { content = {} } = (operation.requestBody ?? {}) as RequestBodyObject;
  for (const [type, media] of Object.entries(content)) media.example ??= readValue(type, body ?? "");
}

/** What is no example: bytes cannot be written down, and a page is looked at. */
const NOT_WRITTEN = /^application\/(?:octet-stream|cose)$|^text\/html$|\+(?:cbor|cose)$/;

/** The first answer of each status and media type shows it. */
async function showAnswer(operation: OperationObject, response: Response, paragraph = ""): Promise<void> {
  const type = response.headers.get("content-type")?.split(";")[0] ?? "";
  const { content = {} } = (operation.responses?.[response.status] ?? {}) as ResponseObject;
  const media = content[type];
  const paragraphs = (await response.text()).split("\n\n");
  const text =
    paragraph === "" ? paragraphs.join("\n\n") : (paragraphs.find((one) => one.includes(paragraph)) ?? "");
  if (media === undefined)
    throw new Error(
      `${operation.operationId} answered ${response.status} ${type}, which is not described: ${text}`,
    );
  if (!NOT_WRITTEN.test(type)) media.example ??= readValue(type, text);
}

function readValue(type: string, text: string): unknown {
  if (!type.endsWith("json") || type === "application/x-ndjson") return text;
  const value = JSON.parse(text);
  return type === PROBLEM_MEDIA_TYPE ? { ...value, requestId: REQUEST_ID } : value;
}
