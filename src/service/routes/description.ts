// Serves the description of the interface, as JSON, as YAML, and as a page that loads nothing from outside.
import type { OpenAPIObject } from "openapi3-ts/oas31";
import { stringify } from "yaml";
import { encodeBody, respondEncoded } from "../http/encoded-body.ts";
import { BASE_HEADERS, PAGE_HEADERS } from "../http/headers.ts";
import { type Api, describeRoute, openApiDocument, problems } from "../openapi.ts";
import { apiPage } from "../pages/api.ts";
import type { Service } from "../service.ts";

const CACHED = { "cache-control": "public, max-age=3600" };

/** The description as openapi.yaml holds it. */
export function openApiYaml(document: OpenAPIObject): string {
  return stringify(document, { lineWidth: 110 });
}

/** Must be called after every other route is described. */
export function addDescription(api: Api, service: Service): void {
  describeDescription(api);
  const document = lazy(() => openApiDocument(api, service.version));
  const files: ReadonlyArray<readonly [path: string, type: string, text: () => string | Promise<string>]> = [
    ["/openapi.json", "application/json", () => JSON.stringify(document())],
    ["/openapi.yaml", "application/yaml", () => openApiYaml(document())],
    ["/docs", "text/html; charset=utf-8", async () => String(await apiPage(service, document()))],
  ];
  for (const [path, type, text] of files) {
    const security = type.startsWith("text/html") ? PAGE_HEADERS : BASE_HEADERS;
    const headers = { ...security, ...CACHED, "content-type": type };
    const body = lazy(async () => encodeBody(Uint8Array.from(Buffer.from(await text())), headers));
    api.get(path, async (c) => respondEncoded(c, await body()));
  }
}

/** Makes a value when it is first wanted, and keeps it. */
function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function describeDescription(api: Api): void {
  const calls = [
    ["/openapi.json", "getOpenApiJson", "This description as JSON", "application/json"],
    ["/openapi.yaml", "getOpenApiYaml", "This description as YAML", "application/yaml"],
    ["/docs", "getDocs", "This description as a page", "text/html"],
  ] as const;
  for (const [path, operationId, summary, type] of calls) {
    describeRoute(api, {
      method: "get",
      path,
      operationId,
      tags: ["service"],
      summary,
      responses: {
        200: { description: "The description", content: { [type]: { schema: {} } } },
        304: { description: "Not modified" },
        ...problems(),
      },
    });
  }
}
