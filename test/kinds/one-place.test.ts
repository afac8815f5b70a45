// The name of a release kind stands in the files of that kind and in the list of schemas: everything else follows from the lists, as
// generated files do.
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { RELEASE_KINDS } from "../../src/protocol/entry/release-kinds.ts";
import { inProject } from "../support/example-build.ts";

/** Words that are spelled like a kind and mean something else, by the file that has them. */
const OTHER_MEANINGS: Readonly<Record<string, string>> = {
  "src/attester/vendors/pccs-paths.ts": "platform",
  "src/verifier/ra-tls/dstack.ts": "platform",
  "src/publisher/rebuild/recompute.ts": "rebuild",
  "src/publisher/rebuild/state-rebuild.ts": "rebuild",
};

/** The list of schemas, and what is generated from lists. */
const LISTS = ["protocol/entry/kinds.schema.ts", "cli/describer-options.ts"];

const NAMES_A_KIND = new RegExp(`^(?:${RELEASE_KINDS.join("|")})(?:/|$)`);

/** Kinds that a file names by a string, as a value or as a type. */
function kindsIn(path: string, text: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node)) {
      const [name] = NAMES_A_KIND.exec(node.text) ?? [];
      if (name !== undefined) found.push(name.replace("/", ""));
    }
    node.forEachChild(visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest));
  return found;
}

describe("the name of a release kind", () => {
  it("stands in no file of src/ but those of the kind", () => {
    const strays = readdirSync(inProject("src"), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ts") && !path.endsWith(".shape.ts") && !LISTS.includes(path))
      .map((path) => join("src", path))
      .flatMap((path) =>
        kindsIn(path, readFileSync(inProject(path), "utf8"))
          .filter(
            (kind) => basename(path).replace(".schema", "") !== `${kind}.ts` && OTHER_MEANINGS[path] !== kind,
          )
          .map((kind) => `${path}: "${kind}"`),
      );
    expect(strays).toEqual([]);
  });

  it("is found as a value, a type, a key and the beginning of a reference", () => {
    const text =
      'const a = "gpu-rim"; type B = Of<"os-image">; const c = { "platform": `driver-build/$' + "{a}@1` };";
    expect(kindsIn("a.ts", text)).toEqual(["gpu-rim", "os-image", "platform", "driver-build"]);
    expect(kindsIn("a.ts", '// "gpu-rim"\nconst a = ["platforms", "a gpu-rim"];')).toEqual([]);
  });
});
