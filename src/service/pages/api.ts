// Makes the page of the API out of its OpenAPI description: every operation with what it takes and answers. It runs no script, so it is
// read like a text; whoever wants to try a call has it as a command line.
import { html } from "hono/html";
import type {
  MediaTypeObject,
  OpenAPIObject,
  OperationObject,
  ParameterObject,
  ReferenceObject,
  ResponseObject,
  SchemaObject,
} from "openapi3-ts/oas31";
import { framed, type Html, type Site } from "./frame.ts";

const METHODS = ["get", "post", "put", "delete"] as const;

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly operation: OperationObject;
}

export function apiPage(site: Site, document: OpenAPIObject): Html {
  const operations = operationsOf(document);
  const tags = (document.tags ?? []).map(({ name, description }) => ({
    name,
    description,
    operations: operations.filter(({ operation }) => operation.tags?.[0] === name),
  }));
  return framed(site, {
    title: "API",
    description: `The HTTP interface of ${site.origin}.`,
    depth: 0,
    main: html`<h1>API</h1>
<p class="lead">${document.info.description}</p>
<p>The same as a file: <a href="openapi.yaml">openapi.yaml</a>, <a href="openapi.json">openapi.json</a>.</p>
${tags.map(
  (tag) =>
    html`<section><h2>${tag.name}</h2><p>${tag.description}</p>${tag.operations.map((operation) => operationPart(site, operation))}</section>`,
)}
<section><h2>Shapes</h2>${Object.entries(document.components?.schemas ?? {}).map(([name, schema]) => schemaPart(name, schema))}</section>`,
  });
}

function operationsOf({ paths }: OpenAPIObject): Operation[] {
  return Object.entries(paths ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = (item as Record<string, OperationObject | undefined>)[method];
      return operation === undefined ? [] : [{ method, path, operation }];
    }),
  );
}

function operationPart({ url }: Site, { method, path, operation }: Operation): Html {
  const { operationId = path, summary, description, parameters = [], requestBody, responses } = operation;
  const body = requestBody === undefined || isReference(requestBody) ? undefined : requestBody.content;
  return html`<details class="operation" id="${operationId}"><summary><code>${method.toUpperCase()} ${path}</code> ${summary}</summary>
${description === undefined ? "" : html`<p>${description}</p>`}
${parameterList(parameters)}
${body === undefined ? "" : html`<h3>Takes</h3>${Object.entries(body).map(([type, content]) => contentPart(type, content))}`}
<h3>Answers</h3>${Object.entries((responses ?? {}) as Record<string, ResponseObject | ReferenceObject>).map(([status, response]) => responsePart(status, response))}
<h3>Try it</h3><pre tabindex="0">${commandOf(url, method, path, body)}</pre></details>`;
}

function parameterList(parameters: ReadonlyArray<ParameterObject | ReferenceObject>): Html {
  const given = parameters.filter((parameter): parameter is ParameterObject => !isReference(parameter));
  if (given.length === 0) return html``;
  return html`<h3>Parameters</h3><dl class="list">${given.map(
    ({ name, in: place, required, description, schema }) =>
      html`<div><dt><code>${name}</code> <span class="dim">${place}${required ? ", required" : ""}</span></dt><dd>${description ?? ""} ${patternOf(schema)}</dd></div>`,
  )}</dl>`;
}

function patternOf(schema: SchemaObject | ReferenceObject | undefined): Html {
  if (schema === undefined || isReference(schema)) return html``;
  const { pattern, enum: values } = schema;
  if (values !== undefined) return html`<span class="dim">one of ${values.join(", ")}</span>`;
  return pattern === undefined ? html`` : html`<code>${pattern}</code>`;
}

function responsePart(status: string, response: ResponseObject | ReferenceObject): Html {
  if (isReference(response)) return html`<p><strong>${status}</strong> ${shapeOf(response)}</p>`;
  return html`<p><strong>${status}</strong> ${response.description}</p>${Object.entries(response.content ?? {}).map(([type, content]) => contentPart(type, content))}`;
}

function contentPart(type: string, { schema, example, examples }: MediaTypeObject): Html {
  const shown = example ?? firstOf(examples);
  return html`<p class="dim"><code>${type}</code> ${schema === undefined ? "" : shapeOf(schema)}</p>${shown === undefined ? "" : html`<details><summary>Example</summary><pre tabindex="0">${typeof shown === "string" ? shown : JSON.stringify(shown, null, 2)}</pre></details>`}`;
}

function firstOf(examples: MediaTypeObject["examples"]): unknown {
  const [first] = Object.values(examples ?? {});
  return first === undefined || isReference(first) ? undefined : first.value;
}

/** The name of a shape, linked to where it is written out. */
function shapeOf(schema: SchemaObject | ReferenceObject): Html {
  if (!isReference(schema)) return html`${schema.type ?? ""}`;
  const name = schema.$ref.split("/").at(-1) ?? "";
  return html`<a href="#shape-${name}">${name}</a>`;
}

function schemaPart(name: string, schema: SchemaObject | ReferenceObject): Html {
  const about = isReference(schema) ? "" : (schema.description ?? "");
  return html`<details id="shape-${name}"><summary><code>${name}</code> ${about}</summary><pre tabindex="0">${JSON.stringify(schema, null, 2)}</pre></details>`;
}

function commandOf(url: string, method: string, path: string, body: object | undefined): string {
  const [type] = Object.keys(body ?? {});
  const sent =
    type === undefined ? "" : ` -X ${method.toUpperCase()} -H 'content-type: ${type}' --data-binary @FILE`;
  return `curl${sent} '${url}${path}'`;
}

function isReference(value: object): value is ReferenceObject {
  return "$ref" in value;
}
