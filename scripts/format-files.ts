// Formats what is generated as everything else is formatted, so that it is read as easily.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The texts as `biome` formats them, imports in its order. */
export function formatFiles(root: string, files: ReadonlyMap<string, string>): Map<string, string> {
  const folder = mkdtempSync(join(tmpdir(), "shapes-"));
  try {
    for (const [path, text] of files) {
      mkdirSync(join(folder, path, ".."), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const flags = [
      "--write",
      "--linter-enabled=false",
      "--vcs-enabled=false",
      `--config-path=${join(root, "biome.json")}`,
    ];
    execFileSync(join(root, "node_modules", ".bin", "biome"), ["check", ...flags, folder], { stdio: "pipe" });
    return new Map([...files.keys()].map((path) => [path, readFileSync(join(folder, path), "utf8")]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
