// Finds the tools that read openapi.yaml. `.ci/run` installs them at pinned versions; where they are not, tests say that they were skipped.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { packagePath } from "../../src/node/package-root.ts";
import { haveTool } from "../publisher/describe/with-tool.ts";

export const API_TOOLS = packagePath(".scratch", "api-tools");

/** The path of a file among the tools. */
export const apiTool = (...parts: readonly string[]): string => join(API_TOOLS, ...parts);

/** `describe`, or a skipped one whose name says what is missing. @param path of the tool, or its name where the system has it. */
export function describeWithApiTool(path: string, name: string, body: () => void): void {
  const isThere = path.includes("/") ? existsSync(path) : haveTool(path);
  if (isThere) describe(name, body);
  else describe.skip(`${name} (skipped: no ${path.split("/").at(-1)}; .ci/run installs it)`, body);
}
