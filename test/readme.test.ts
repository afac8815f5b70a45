// The README's example is code: it compiles against the public entry that it imports.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The compiler's complaints about a TypeScript text that lies in the project's root, with the package's own name resolved to src/. */
function complaintsAbout(text: string): string[] {
  const file = `${root}readme-example.ts`;
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile).config,
    ts.sys,
    root,
  );
  const withPaths = {
    ...options,
    types: [],
    paths: { "touchstone/verifier": [`${root}src/verifier/index.ts`] },
  };
  const host = ts.createCompilerHost(withPaths);
  const { readFile, fileExists } = host;
  host.readFile = (name) => (name === file ? text : readFile(name));
  host.fileExists = (name) => name === file || fileExists(name);
  const program = ts.createProgram([file], withPaths, host);
  // What it imports is checked with everything else, by `npm run types`.
  return ts
    .getPreEmitDiagnostics(program, program.getSourceFile(file))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
}

describe("README", () => {
  const readme = readFileSync(`${root}README.md`, "utf8");

  it("shows an example that compiles, and would not if it were wrong", () => {
    const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
    expect(example).toContain("fetchPolicy");
    expect(complaintsAbout(example)).toEqual([]);
    expect(complaintsAbout(example.replace("now, nonce,", "now,"))).not.toEqual([]);
  });

  it("links to files that exist", () => {
    const links = [...readme.matchAll(/\]\(([^):#]+)\)/g)].map(([, path]) => path ?? "");
    expect(links.length).toBeGreaterThan(10);
    const missing = links.filter(
      (path) => !ts.sys.fileExists(`${root}${path}`) && !ts.sys.directoryExists(`${root}${path}`),
    );
    expect(missing).toEqual([]);
  });
});
