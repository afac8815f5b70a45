// Debian's own tools are the second reading of every format. Tests that need one are skipped, with its name, where it is missing.
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";

const folders = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/sbin"];

export function haveTool(tool: string): boolean {
  return folders.some((folder) => {
    try {
      accessSync(join(folder, tool), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** `describe`, or a skipped one whose name says which tools are missing. */
export function describeWithTool(tools: string | readonly string[], name: string, body: () => void): void {
  const missing = [tools].flat().filter((tool) => !haveTool(tool));
  if (missing.length === 0) describe(name, body);
  else describe.skip(`${name} (skipped: ${missing.join(", ")} not installed)`, body);
}
