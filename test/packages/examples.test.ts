// Every export that users import shows how it is used, and what it shows compiles.
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { packagePath } from "../../src/node/package-root.ts";

const ENTRIES = {
  "touchstone/protocol": "src/protocol/index.ts",
  "touchstone/verifier": "src/verifier/index.ts",
  "touchstone/verifier/bundle": "src/verifier/bundle/index.ts",
  "touchstone/verifier/lookup": "src/verifier/lookup/index.ts",
  "touchstone/verifier/receipt": "src/verifier/receipt/index.ts",
  "touchstone/verifier/node": "src/verifier-node/index.ts",
  "touchstone/gate": "src/gate/index.ts",
  "touchstone/sealed": "src/sealed/index.ts",
  "touchstone/testing": "src/testing/index.ts",
};
const { options } = ts.parseJsonConfigFileContent(
  ts.readConfigFile(packagePath("tsconfig.json"), ts.sys.readFile).config,
  ts.sys,
  packagePath(),
);

/** What an export's comment says after `@example`, by the name that it is imported by. */
function examplesOf(): Map<string, string[]> {
  const files = Object.values(ENTRIES).map((file) => packagePath(file));
  const program = ts.createProgram(files, options);
  const checker = program.getTypeChecker();
  const examples = new Map<string, string[]>();
  for (const [entry, file] of Object.entries(ENTRIES)) {
    const source = program.getSourceFile(packagePath(file));
    const module = source && checker.getSymbolAtLocation(source);
    for (const exported of module ? checker.getExportsOfModule(module) : []) {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      const tags = symbol.getJsDocTags(checker).filter(({ name }) => name === "example");
      examples.set(
        `${exported.name} of ${entry}`,
        tags.map(({ text }) => ts.displayPartsToString(text)),
      );
    }
  }
  return examples;
}

/** The compiler's complaints about some modules, each a file of its own that does not exist. */
function complaintsAbout(modules: readonly string[]): string[] {
  const texts = new Map(modules.map((text, i) => [packagePath(`example-${i}.ts`), text]));
  const compilerOptions = { ...options, types: [], noUnusedLocals: false };
  const host = ts.createCompilerHost(compilerOptions);
  const { readFile, fileExists } = host;
  host.readFile = (name) => texts.get(join(name)) ?? readFile(name);
  host.fileExists = (name) => texts.has(join(name)) || fileExists(name);
  const program = ts.createProgram([...texts.keys()], compilerOptions, host);
  return [...texts.keys()].flatMap((name) => {
    const file = program.getSourceFile(name);
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
      ({ messageText }) => `${ts.flattenDiagnosticMessageText(messageText, "\n")} in\n${texts.get(name)}`,
    );
  });
}

const examples = examplesOf();
const codeOf = (text: string) => /^```ts\n([\s\S]*)\n```$/.exec(text)?.[1] ?? "";

describe("the exports of all entries", () => {
  it("have an example each, which imports what it shows", () => {
    expect(examples.size).toBeGreaterThan(150);
    for (const [what, texts] of examples) {
      const [name = ""] = what.split(" of ");
      expect(texts, what).not.toEqual([]);
      for (const text of texts) {
        expect(codeOf(text), what).toMatch(
          new RegExp(`^import [^;]*\\b${name}\\b[^;]*from "touchstone/[a-z/]+";$`, "m"),
        );
      }
    }
  });

  it("have examples that compile, and would not if they were wrong", () => {
    const all = [...examples.values()].flat().map(codeOf);
    expect(complaintsAbout(all)).toEqual([]);
    expect(
      complaintsAbout(['import { hashLeaf } from "touchstone/protocol";\nhashLeaf("text");']),
    ).toHaveLength(1);
  });
});
