// A place to practise the drills of the documents: the real program, a folder, and a systemctl that starts and stops the service in it.
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { packagePath } from "../../src/node/package-root.ts";
import { freePort } from "../support/free-port.ts";
import { installProgram } from "../support/installed-program.ts";

const DOCUMENT = packagePath("docs", "operating.md");

/** The fenced blocks that are marked `sh drill=NAME`, by name, in their order. */
export function drillsOf(markdown = readFileSync(DOCUMENT, "utf8")): Map<string, string[]> {
  const drills = new Map<string, string[]>();
  for (const [, name = "", commands = ""] of markdown.matchAll(/^```sh drill=(\S+)\n([\s\S]*?)^```$/gm))
    drills.set(name, [...(drills.get(name) ?? []), commands]);
  return drills;
}

/** Builds the program, and puts commands in `bin`. */
export async function installCommands(folder: string): Promise<void> {
  const main = await installProgram(join(folder, "program"));
  mkdirSync(join(folder, "bin"));
  const script = (name: string, text: string) =>
    writeFileSync(join(folder, "bin", name), `#!/usr/bin/env bash\n${text}`, { mode: 0o755 });
  script("touchstone", `exec node "${main}" "$@"\n`);
  script("systemctl", SYSTEMCTL);
  script("journalctl", "cat journal >&2\n");
}

/** Returns when the service is ready, as the unit of docs/operating.md makes the real one do; fails when it ended before. */
const SYSTEMCTL = `
stop() {
  [ -f pid ] || return 0
  kill "$(cat pid)"
  while kill -0 "$(cat pid)" 2>/dev/null; do sleep 0.05; done
  rm pid
}
start() {
  : > ready
  touchstone serve --config log/touchstone.toml < /dev/null > ready 2> journal &
  echo $! > pid
  until grep -q ^http ready; do
    kill -0 "$(cat pid)" 2>/dev/null || { rm pid; return 1; }
    sleep 0.05
  done
}
case $1 in
  start) start ;;
  stop) stop ;;
  restart) stop && start ;;
esac
`;

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  /** Standard output, then standard error. */
  readonly output: string;
}

export class Practice {
  readonly folder: string;
  readonly url: string;
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(program: string, port: number, more: NodeJS.ProcessEnv) {
    this.folder = mkdtempSync(join(tmpdir(), "touchstone-drill-"));
    this.url = `http://127.0.0.1:${port}`;
    this.#environment = {
      PATH: `${join(program, "bin")}:${process.env.PATH}`,
      HOME: this.folder,
      // A drill runs the program a dozen times: compile it once.
      NODE_COMPILE_CACHE: join(program, "compiled"),
      TOUCHSTONE_PORT: String(port),
      LOG: this.url,
      MIRROR: join(this.folder, "mirror"),
      EXAMPLES: packagePath("examples", "release"),
      ...more,
    };
  }

  /** @param template another practice folder to begin from, whose service is stopped. @param more of the environment of its commands. */
  static async make(program: string, template?: Practice, more: NodeJS.ProcessEnv = {}): Promise<Practice> {
    const practice = new Practice(program, await freePort(), more);
    if (template !== undefined) cpSync(template.folder, practice.folder, { recursive: true });
    return practice;
  }

  at(...path: string[]): string {
    return join(this.folder, ...path);
  }

  /** Runs commands as a shell script that ends at the first one that fails. */
  async run(...blocks: readonly string[]): Promise<Outcome> {
    const options = { cwd: this.folder, env: this.#environment, timeout: 120_000 };
    try {
      const { stdout, stderr } = await promisify(execFile)(
        "bash",
        ["-euo", "pipefail", "-c", blocks.join("\n")],
        options,
      );
      return { code: 0, stdout, output: stdout + stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, stdout, output: stdout + stderr };
    }
  }

  async remove(): Promise<void> {
    await this.run("systemctl stop touchstone");
    rmSync(this.folder, { recursive: true, force: true });
  }
}
