// An empty project with packages installed in it, as a registry would leave them: unpacked from their tarballs, with what they depend on
// and nothing else beside them.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Packed } from "../../scripts/pack.ts";
import { packagePath } from "../../src/node/package-root.ts";

export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), "touchstone-project-"));

  constructor(packages: readonly Packed[], manifest: object = { type: "module" }) {
    this.write("package.json", JSON.stringify(manifest));
    for (const { manifest, tarball } of packages) {
      const to = join(this.folder, "node_modules", manifest.name);
      mkdirSync(to, { recursive: true });
      execFileSync("tar", ["-xzf", tarball, "-C", to, "--strip-components=1"]);
      for (const name of Object.keys(manifest.dependencies)) this.link(name);
    }
  }

  /** Makes a package of this repository's node_modules visible. */
  link(name: string): void {
    const to = join(this.folder, "node_modules", name);
    mkdirSync(dirname(to), { recursive: true });
    rmSync(to, { force: true });
    symlinkSync(packagePath("node_modules", name), to);
  }

  write(name: string, content: string | Uint8Array): string {
    writeFileSync(join(this.folder, name), content);
    return join(this.folder, name);
  }

  /** Runs a file of the project in Node. */
  run(...args: readonly string[]): { readonly code: number | null; readonly output: string } {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: this.folder,
      encoding: "utf8",
    });
    return { code: status, output: stdout + stderr };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
