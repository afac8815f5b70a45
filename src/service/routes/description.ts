// Serves the description of the interface, as JSON, as YAML, and as a page that loads nothing from outside.
import { readFile } from "node:fs/promises";
import type { OpenAPIObject } from "openapi3-ts/oas31";
import { packagePath } from "../../node/package-root.ts";
import { BASE_HEADERS, PAGE_HEADERS } from "../http/headers.ts";
import { addLastingFile } from "../http/lasting-files.ts";
import { type Api, describeRoute, problems } from "../openapi.ts";
import { apiPage } from "../pages/api.ts";
import type { Service } from "../service.ts";

const CACHED = { "cache-control": "public, max-age=3600" };

/** Serves openapi.yaml as it is shipped: a test holds it to be what the routes say. */
export function addDescription(api: Api, service: Service): void {
  describeDescription(api);
  const yaml = () => readFile(packagePath("openapi.yaml"), "utf8");
  const document = async () => (await import("../http/read-yaml.ts")).readYaml(await yaml()) as OpenAPIObject;
  const page = async () => String(await apiPage(service, await document()));
  const files: ReadonlyArray<readonly [path: string, type: string, read: () => string | Promise<string>]> = [
    ["/openapi.json", "application/json", async () => JSON.stringify(await document())],
    ["/openapi.yaml", "application/yaml", yaml],
    ["/docs", "text/html; charset=utf-8", page],
  ];
  for (const [path, type, read] of files) {
    const security = type.startsWith("text/html") ? PAGE_HEADERS : BASE_HEADERS;
    addLastingFile(api, { path, headers: { ...security, ...CACHED, "content-type": type }, read });
  }
}

function describeDescription(api: Api): void {
  const calls = [
    ["/openapi.json", "getOpenApiJson", "This description as JSON", "application/json", "OpenAPI 3.1."],
    ["/openapi.yaml", "getOpenApiYaml", "This description as YAML", "application/yaml", "OpenAPI 3.1."],
    [
      "/docs",
      "getDocs",
      "This description as a page",
      "text/html",
      "Every call with what it takes and answers, and the command that makes it.",
    ],
  ] as const;
  for (const [path, operationId, summary, type, description] of calls) {
    describeRoute(api, {
      method: "get",
      path,
      operationId,
      tags: ["service"],
      summary,
      description,
      responses: {
        200: { description: "The description", content: { [type]: { schema: {} } } },
        304: { description: "Not modified" },
        ...problems(),
      },
    });
  }
}
