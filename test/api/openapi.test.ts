// The description of the interface: fresh, valid, and the schemas that it shares with schemas/*.json agree with those that read entries.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { OpenAPIObject, OperationObject, ParameterObject, SchemaObject } from "openapi3-ts/oas31";
import { beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { generatedFiles } from "../../scripts/generate.ts";
import { PREDICATES } from "../../src/protocol/entry/kinds.schema.ts";
import type { Kind } from "../../src/protocol/entry/kinds.ts";
import { NOTHING_IN_FORCE } from "../../src/protocol/registration/in-force.ts";
import { PROBLEM_CODES } from "../../src/service/problem.ts";
import { policyPredicate, revocationPredicate, statusPredicate } from "../support/document-predicates.ts";
import { fullPredicates } from "../support/full-predicates.ts";
import { testKeys } from "../support/keys.ts";
import { rebuildPredicate, sha256Of } from "../support/release-predicates.ts";
import { inOrder, signReleaseSet } from "../support/release-set.ts";
import { referenceOf } from "../support/signing.ts";
import { trustRootPredicate } from "../support/trust-root.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const generated = await generatedFiles();
const document = parse(readFileSync(`${ROOT}openapi.yaml`, "utf8")) as OpenAPIObject;
const METHODS = ["get", "post", "put"] as const;

const operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
  METHODS.flatMap((method) => {
    const operation = item[method] as OperationObject | undefined;
    return operation === undefined ? [] : [{ name: `${method.toUpperCase()} ${path}`, path, operation }];
  }),
);

describe("what is generated and committed", () => {
  test.each([...generated])("%s is fresh", (path, text) => {
    expect(readFileSync(`${ROOT}${path}`, "utf8") === text, "run 'npm run generate'").toBe(true);
  });

  test("redocly finds nothing wrong with openapi.yaml", () => {
    const run = () =>
      execFileSync("npx", ["redocly", "lint", "--format=summary", "openapi.yaml"], {
        cwd: ROOT,
        stdio: "pipe",
      });
    expect(run).not.toThrow();
  });
});

describe("every operation", () => {
  test("has an id of its own", () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(operations.length);
    expect(ids).not.toContain(undefined);
    expect(operations.length).toBeGreaterThan(20);
  });

  test.each(operations)(
    "$name has path parameters that are required and never null",
    ({ path, operation }) => {
      const parameters = (operation.parameters ?? []) as ParameterObject[];
      const inPath = parameters.filter((parameter) => parameter.in === "path");
      expect(inPath.map(({ name }) => name).sort()).toEqual(
        [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort(),
      );
      for (const { required, schema } of inPath) {
        const { type, pattern, minimum, maximum } = schema as SchemaObject;
        expect(required).toBe(true);
        if (type === "integer") expect(minimum).toBeLessThan(maximum ?? Number.NaN);
        else expect([type, pattern]).toEqual(["string", expect.stringMatching(/^\^.*\$$/)]);
      }
      for (const { schema } of parameters) expect(JSON.stringify(schema)).not.toContain("null");
    },
  );

  test.each(operations)("$name has a summary and a description", ({ operation }) => {
    expect(operation.summary).toMatch(/\w/);
    expect(operation.description).toMatch(/\w.*\.$/);
  });
});

test("numbers are integers, but for the group of a tile's path and for cursors, which say so themselves", () => {
  const digits = operations.flatMap(({ operation }) =>
    ((operation.parameters ?? []) as ParameterObject[]).flatMap(({ name, schema }) => {
      const { type, pattern } = schema as SchemaObject;
      return type === "string" && /^\^.*0-9.*\$$/.test(pattern ?? "") && !/[a-f]/.test(pattern ?? "")
        ? [name]
        : [];
    }),
  );
  expect(new Set(digits)).toEqual(new Set(["number", "cursor"]));
});

test("what repeats a component refers to it", () => {
  const { Envelope, LoggedEntry, PolicyBundle } = { ...document.components?.schemas };
  expect(Envelope).toHaveProperty("properties.payload");
  expect(LoggedEntry).toHaveProperty("properties.envelope.$ref", "#/components/schemas/Envelope");
  expect(PolicyBundle).toHaveProperty("properties.policy.$ref", "#/components/schemas/LoggedEntry");
  expect(JSON.stringify(document).split('"payloadType":{"type"')).toHaveLength(2);
});

test("every problem code is described at some operation, or belongs to all", () => {
  const described = new Set(
    operations.flatMap(({ operation }) =>
      Object.values(operation.responses ?? {}).flatMap((response: { description?: string }) =>
        (response.description ?? "").split(/[ ,`:]+/),
      ),
    ),
  );
  expect(PROBLEM_CODES.filter((code) => !described.has(code))).toEqual(["method-not-allowed", "misdirected"]);
});

describe("schemas/*.json", () => {
  const ajv = new Ajv2020({ strict: true, allErrors: false });
  const examples = new Map<Kind, object>();

  beforeAll(async () => {
    const keys = await testKeys();
    const set = await signReleaseSet(keys);
    for (const { statement } of inOrder(set)) examples.set(statement.kind, statement.predicate);
    examples.set("rebuild", rebuildPredicate(referenceOf(set.image)));
    const root = { index: 0, digest: sha256Of("root"), root: await trustRootPredicate(keys) };
    examples.set("policy", policyPredicate(set));
    examples.set("revocation", revocationPredicate({ digests: [sha256Of("x")] }));
    examples.set("trust-root", root.root);
    const full = await fullPredicates(keys, set);
    for (const kind of ["identity-keys", "switch-rim"] as const) examples.set(kind, full[kind]);
    examples.set(
      "status",
      statusPredicate({ ...NOTHING_IN_FORCE, size: 1, trustRoots: [root], changedAt: 1 }),
    );
  });

  const validatorOf = (kind: Kind) => {
    const schema = JSON.parse(readFileSync(`${ROOT}schemas/${kind}.v1.json`, "utf8")) as { $id: string };
    return ajv.getSchema(schema.$id) ?? ajv.compile(schema);
  };

  test.each(Object.keys(PREDICATES) as Kind[])(
    "%s: ajv takes and refuses what zod takes and refuses",
    (kind) => {
      const validate = validatorOf(kind);
      const example = examples.get(kind) ?? {};
      expect(PREDICATES[kind].safeParse(example).error).toBeUndefined();
      expect(validate(example), JSON.stringify(validate.errors)).toBe(true);
      let tried = 0;
      for (const broken of brokenForms(example)) {
        tried++;
        expect(
          [PREDICATES[kind].safeParse(broken).success, validate(broken)],
          JSON.stringify(broken),
        ).toEqual([false, false]);
      }
      expect(tried).toBeGreaterThan(10);
    },
  );

  test("every schema has an id, and every member of it a description or a type", () => {
    for (const [path, text] of generated) {
      if (path.endsWith(".json"))
        expect(JSON.parse(text)).toMatchObject({
          $id: expect.stringMatching(/^urn:touchstone:[a-z-]+:v1$/),
          additionalProperties: false,
        });
    }
  });
});

/** Each member taken away, of another type, and one that is not known; at every object of the value. */
function* brokenForms(value: unknown): Generator<unknown> {
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries())
      for (const broken of brokenForms(item)) yield value.with(i, broken);
  } else if (typeof value === "object" && value !== null) {
    yield { ...value, unknownMember: 1 };
    for (const [name, member] of Object.entries(value)) {
      const { [name]: _, ...without } = value as Record<string, unknown>;
      yield without;
      yield { ...value, [name]: { not: "what it was" } };
      for (const broken of brokenForms(member)) yield { ...value, [name]: broken };
    }
  }
}
