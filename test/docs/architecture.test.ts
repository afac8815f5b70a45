// docs/architecture.md leads through the code by file and function: each is where the page says.
import { existsSync } from "node:fs";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { inProject, readProject } from "../support/example-build.ts";

const PAGE = readProject("docs/architecture.md");
const WALKS = [...PAGE.matchAll(/^## ((?:Follow one|Where do I add) .*)\n([\s\S]*?)(?=^## )/gm)].map(
  ([, heading = "", text = ""]) => [heading, text] as const,
);

/** Every item "- `src/path/file.ts` `name`" of a text. */
function stopsIn(text: string): Array<{ file: string; name: string }> {
  const items = text.matchAll(/^- `((?:src|scripts)\/[^`]+\.ts)` `([^`]+)`/gm);
  return [...items].map(([, file = "", name = ""]) => ({ file, name }));
}

const isDeclaration = (node: ts.Node) =>
  ts.isFunctionDeclaration(node) ||
  ts.isClassDeclaration(node) ||
  ts.isClassElement(node) ||
  ts.isInterfaceDeclaration(node) ||
  ts.isTypeAliasDeclaration(node) ||
  ts.isVariableDeclaration(node);

/** The names of all functions, members of classes, types and constants that a file declares. */
function declaredIn(file: string): Set<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    const name = isDeclaration(node) ? node.name : undefined;
    if (name && (ts.isIdentifier(name) || ts.isPrivateIdentifier(name))) names.add(name.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, readProject(file), ts.ScriptTarget.Latest));
  return names;
}

it("follows an envelope and a bundle, and says where to add what", () => {
  const headings = WALKS.map(([heading]) => heading);
  expect(headings).toEqual(
    expect.arrayContaining(["Follow one envelope", "Follow one bundle", "Where do I add …"]),
  );
});

describe.each(WALKS)("%s", (_, text) => {
  const stops = stopsIn(text);

  it("is a list of files, each with something that it declares", () => {
    expect(stops.length).toBeGreaterThan(5);
    expect(stops.length, "items of another form").toBe(text.match(/^- /gm)?.length);
  });

  it("names only what is there", () => {
    const gone = stops.filter(
      ({ file, name }) => !existsSync(inProject(file)) || !declaredIn(file).has(name),
    );
    expect(gone).toEqual([]);
  });
});
