// The examples of openapi.yaml: every operation has them, they fit their schemas, and they are what a service answers.
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import type {
  MediaTypeObject,
  OpenAPIObject,
  OperationObject,
  ParameterObject,
  RequestBodyObject,
  ResponseObject,
} from "openapi3-ts/oas31";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { parsePolicyBundle } from "../../src/protocol/bundle/policy-bundle.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { verifyBundle } from "../../src/verifier/bundle/verify-bundle.ts";
import { NOW } from "../support/clock.ts";
import { type ExampleService, startExampleService } from "../support/example-service.ts";
import { ORIGIN } from "../support/witnesses.ts";

const document = parse(readFileSync(new URL("../../openapi.yaml", import.meta.url), "utf8")) as OpenAPIObject;
const ajv = new Ajv2020({ strict: false, validateFormats: false });
ajv.addSchema(document as object, "openapi.json");

const operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
  (["get", "post"] as const).flatMap((method) => {
    const operation = item[method] as OperationObject | undefined;
    return operation === undefined ? [] : [{ name: operation.operationId ?? "", method, path, operation }];
  }),
);

/** What is no example: bytes cannot be written down, and a page is looked at. */
const NOT_WRITTEN = /^application\/(?:octet-stream|cose)$|^text\/html$|\+(?:cbor|cose)$/;

/** Answers that are this document, or a page that shows it. */
const SELF = ["getOpenApiJson", "getOpenApiYaml", "getDocs"];

describe.each(operations)("$name", ({ name, method, path, operation }) => {
  const parameters = (operation.parameters ?? []) as ParameterObject[];
  const { content: body = {} } = (operation.requestBody ?? {}) as RequestBodyObject;
  const responses = Object.entries((operation.responses ?? {}) as Record<string, ResponseObject>);
  const answers = responses.flatMap(([status, { content = {} }]) =>
    Object.entries(content).map(([type, media]) => ({ status, type, media })),
  );

  test("shows what to send", () => {
    const shown = parameters.filter(({ name: parameter }) => parameter !== "if-none-match");
    for (const { name: parameter, example } of shown) expect(example, parameter).toBeDefined();
    for (const { example } of Object.values(body)) expect(example).toBeDefined();
  });

  test("shows every good answer that can be written down", () => {
    for (const { status, type, media } of answers)
      if (status.startsWith("2") && !NOT_WRITTEN.test(type) && !SELF.includes(name))
        expect(media.example, `${status} ${type}`).toBeDefined();
  });

  test("shows a refusal, where something is sent", () => {
    const isRefusal = answers.some(
      ({ status, media }) => status.startsWith("4") && media.example !== undefined,
    );
    const isPage = answers.some(({ type }) => type === "text/html");
    const inBytes = answers.some(({ status, type }) => status.startsWith("4") && NOT_WRITTEN.test(type));
    expect(isRefusal).toBe(!isPage && !inBytes && (parameters.length > 0 || Object.keys(body).length > 0));
  });

  test("shows what fits its schema", () => {
    const at = ["paths", path, method];
    for (const [i, { example }] of parameters.entries())
      if (example !== undefined) requireValid([...at, "parameters", String(i), "schema"], example);
    requireMediaFits([...at, "requestBody", "content"], body);
    for (const [status, { content = {} }] of responses)
      requireMediaFits([...at, "responses", status, "content"], content);
  });
});

function requireMediaFits(place: readonly string[], content: Record<string, MediaTypeObject>): void {
  for (const [type, { example }] of Object.entries(content))
    if (example !== undefined) requireValid([...place, type, "schema"], example);
}

function requireValid(pointer: readonly string[], value: unknown): void {
  const escaped = pointer.map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1")));
  const $ref = `openapi.json#/${escaped.join("/")}`;
  const validate = ajv.getSchema($ref) ?? ajv.compile({ $ref });
  expect(validate(value), `${$ref}: ${JSON.stringify(validate.errors)}`).toBe(true);
}

describe("a service", () => {
  let service: ExampleService;
  beforeAll(async () => {
    service = await startExampleService();
  });
  afterAll(() => service.harness.stop());

  const sent = operations.filter(({ name }) => !SELF.includes(name));
  test.each(sent)("takes what $name shows, all of it at once", async ({ method, path, operation }) => {
    const parameters = (operation.parameters ?? []) as ParameterObject[];
    const given = parameters.filter(({ example }) => example !== undefined);
    const inPath = given.filter((parameter) => parameter.in === "path");
    const filled = inPath.reduce(
      (url, { name, example }) => url.replace(`{${name}}`, encodeURIComponent(String(example))),
      path,
    );
    const query = new URLSearchParams(
      given
        .filter((parameter) => parameter.in === "query")
        .map(({ name, example }) => [name, String(example)]),
    );
    const [[type, { example }] = [undefined, { example: undefined }]] = Object.entries(
      (operation.requestBody as RequestBodyObject | undefined)?.content ?? {},
    );
    const response = await service.harness.app.request(`${filled}?${query}`.replace(/\?$/, ""), {
      method: method.toUpperCase(),
      ...(type && {
        headers: { "content-type": type },
        body: typeof example === "string" ? example : JSON.stringify(example),
      }),
    });
    expect(response.ok, await response.clone().text()).toBe(true);
  });
});

test("the bundle that is shown is one that a verifier accepts", async () => {
  const operation = document.paths?.["/v1/policies/{name}"]?.get as OperationObject;
  const answer = operation.responses?.["200"] as ResponseObject;
  const [{ example }] = Object.values(answer.content ?? {}) as [MediaTypeObject];
  const bundle = utf8(JSON.stringify(example));
  const digest = parsePolicyBundle(bundle).trustRoots[0]?.envelope.payloadDigest ?? "";
  const pin = { origin: ORIGIN, version: 1, digest };
  const verified = verifyBundle(bundle, { pin, policy: "production", now: NOW, remembered: null });
  await expect(verified).resolves.toBeDefined();
});
