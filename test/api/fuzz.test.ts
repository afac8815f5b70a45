// Every operation of openapi.yaml, with requests that are valid, nearly valid and nonsense: each answer has a documented status and a
// body that fits its documented schema, and none is a 500.
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import type { OpenAPIObject, OperationObject, ParameterObject, SchemaObject } from "openapi3-ts/oas31";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { type EnvelopeJson, envelopeToJson } from "../../src/protocol/envelope/dsse.ts";
import { ServiceHarness } from "../support/service-harness.ts";
import { signPlatforms } from "../support/signing.ts";

const RUNS = Number(process.env.FUZZ_RUNS ?? 60);
const SEED = Number(process.env.FUZZ_SEED ?? 20261123);

const document = parse(readFileSync(new URL("../../openapi.yaml", import.meta.url), "utf8")) as OpenAPIObject;
const ajv = new Ajv2020({ strict: false, validateFormats: false });
ajv.addSchema(document as object, "openapi.json");

const METHODS = ["get", "post", "put"] as const;
const operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
  METHODS.flatMap((method) => {
    const operation = item[method] as OperationObject | undefined;
    return operation === undefined
      ? []
      : [{ name: `${method.toUpperCase()} ${path}`, method, path, operation }];
  }),
);

let service: ServiceHarness;
let envelopes: EnvelopeJson[];

beforeAll(async () => {
  service = await ServiceHarness.start({ limits: { writesPerMinute: 1_000_000 } });
  await service.publishPolicy();
  await service.log.publish(await signPlatforms(service.keys, "known", 300));
  envelopes = (await signPlatforms(service.keys, "new", 40)).map(envelopeToJson);
});
afterAll(() => service.stop());

/** Values that mean something here, so that not everything ends at the first check. */
const FAMILIAR = [
  "0",
  "1",
  "7",
  "255",
  "256",
  "300",
  "308",
  "9007199254740991",
  "9007199254740992",
  "production",
  "known-3",
  "policy",
  "platform",
  "001",
  "000",
  "entries",
];

function valuesOf(schema: SchemaObject): fc.Arbitrary<string> {
  const valid =
    schema.enum !== undefined
      ? fc.constantFrom(...(schema.enum as string[]))
      : schema.type === "integer"
        ? fc.integer({ min: schema.minimum as number, max: schema.maximum as number }).map(String)
        : schema.pattern !== undefined
          ? fc.stringMatching(new RegExp(schema.pattern))
          : fc.string({ maxLength: 40 });
  return fc.oneof(
    { weight: 4, arbitrary: valid },
    { weight: 3, arbitrary: fc.constantFrom(...FAMILIAR) },
    { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 60 }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        "-1",
        "1e3",
        " 7",
        "0x10",
        "%00",
        "null",
        "'",
        "<b>",
        "a/b",
        "A",
        "9".repeat(400),
      ),
    },
  );
}

const json = fc.json({ maxDepth: 6 });

function bodyOf(path: string): fc.Arbitrary<string | Uint8Array> {
  const envelope = fc.nat().map((i) => envelopes[i % envelopes.length] as EnvelopeJson);
  const text = envelope.map((value) => JSON.stringify(value));
  const mutated = fc
    .tuple(text, fc.nat(), fc.string({ unit: "binary-ascii", maxLength: 4 }))
    .map(
      ([whole, at, piece]) =>
        whole.slice(0, at % whole.length) + piece + whole.slice((at % whole.length) + piece.length),
    );
  const odd = fc
    .tuple(envelope, fc.constantFrom("payload", "payloadType", "signatures"), fc.jsonValue())
    .map(([value, member, replacement]) => JSON.stringify({ ...value, [member]: replacement }));
  const one = fc.oneof(text, mutated, odd, json);
  const single = path.endsWith("/batch")
    ? fc.array(one, { maxLength: 6 }).map((lines) => lines.join("\n"))
    : one;
  return fc.oneof(
    { weight: 6, arbitrary: single },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
  );
}

interface Call {
  readonly params: Record<string, string | undefined>;
  readonly headers: Record<string, string>;
  readonly body: string | Uint8Array | undefined;
}

const headerValue = fc
  .string({ unit: fc.constantFrom(...'abcXYZ019 ,;:="()@/*-_+%'), maxLength: 80 })
  .map((text) => text.trim());

function callsOf(path: string, operation: OperationObject): fc.Arbitrary<Call> {
  const parameters = (operation.parameters ?? []) as ParameterObject[];
  const params = Object.fromEntries(
    parameters
      .filter((parameter) => parameter.in !== "header")
      .map(({ name, in: where, schema }) => {
        const values = valuesOf(schema as SchemaObject);
        // A path segment that is empty or all dots is another path.
        return [
          name,
          where === "path"
            ? values.filter((value) => !/^\.*$/.test(value))
            : fc.option(values, { nil: undefined }),
        ];
      }),
  );
  const named = parameters
    .filter((parameter) => parameter.in === "header")
    .map(({ name }) => [name, headerValue]);
  const types = fc.constantFrom(
    "application/json",
    "application/x-ndjson",
    "text/plain",
    "application/json; charset=utf-8",
  );
  const headers = fc.record(
    {
      accept: fc.oneof(fc.constantFrom("text/plain", "application/json", "*/*"), headerValue),
      ...Object.fromEntries(named),
    },
    { requiredKeys: [] },
  );
  const declared = Object.keys((operation.requestBody as { content?: object } | undefined)?.content ?? {})[0];
  const type =
    declared === undefined
      ? types
      : fc.oneof({ weight: 6, arbitrary: fc.constant(declared) }, { weight: 1, arbitrary: types });
  return fc
    .record({
      params: fc.record(params),
      headers,
      type,
      body: declared === undefined ? fc.constant(undefined) : bodyOf(path),
    })
    .map(({ headers: sent, type: contentType, ...call }) => ({
      ...(call as Pick<Call, "params" | "body">),
      headers:
        call.body === undefined
          ? (sent as Record<string, string>)
          : { ...(sent as Record<string, string>), "content-type": contentType },
    }));
}

function urlOf(path: string, operation: OperationObject, params: Call["params"]): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
  const query = new URLSearchParams();
  for (const { name, in: where } of (operation.parameters ?? []) as ParameterObject[]) {
    const value = params[name];
    if (where === "query" && value !== undefined) query.set(name, value);
  }
  return `http://localhost${filled}${query.size > 0 ? `?${query}` : ""}`;
}

/** Compiled once for each place in the document. */
function validatorOf(pointer: readonly string[]) {
  const escaped = pointer.map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1")));
  const $ref = `openapi.json#/${escaped.join("/")}`;
  return ajv.getSchema($ref) ?? ajv.compile({ $ref });
}

describe("every operation answers as it is described", () => {
  test.each(operations)("$name", async ({ method, path, operation }) => {
    const statuses = new Set<number>();
    await fc.assert(
      fc.asyncProperty(callsOf(path, operation), async ({ params, headers, body }) => {
        const url = urlOf(path, operation, params);
        const response = await service.app.request(url, {
          method: method.toUpperCase(),
          headers,
          ...(body === undefined ? {} : { body: body as BodyInit }),
        });
        const text = await response.text();
        statuses.add(response.status);
        const described = operation.responses?.[response.status] as
          | { content?: Record<string, unknown> }
          | undefined;
        expect(described, `status ${response.status} is not described: ${text}`).toBeDefined();
        expect(response.status).not.toBe(500);
        requireDescribedBody(response, text, described?.content, [
          "paths",
          path,
          method,
          "responses",
          String(response.status),
        ]);
      }),
      { numRuns: RUNS, seed: SEED, endOnFailure: true },
    );
    expect(statuses.size).toBeGreaterThan(0);
  });
});

function requireDescribedBody(
  response: Response,
  text: string,
  content: Record<string, unknown> | undefined,
  place: readonly string[],
): void {
  if (response.status === 304) {
    expect(text).toBe("");
    return;
  }
  const type = (response.headers.get("content-type") ?? "").split(";")[0] ?? "";
  expect(Object.keys(content ?? {}), `content type of ${response.status}`).toContain(type);
  if (type === "application/x-ndjson") {
    const schema = response.status === 202 ? "AwaitingEntry" : "PublishedEntry";
    for (const line of text.trimEnd().split("\n")) requireValid(["components", "schemas", schema], line);
  } else if (type.endsWith("json")) {
    requireValid([...place, "content", type, "schema"], text);
  }
}

function requireValid(pointer: readonly string[], text: string): void {
  const validate = validatorOf(pointer);
  expect(validate(JSON.parse(text)), `${JSON.stringify(validate.errors)}\n${text}`).toBe(true);
}
