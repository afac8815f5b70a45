// Both back ends have the same history: what one schema version means is the same in each.
import { readdirSync } from "node:fs";
import { expect, it } from "vitest";
import { packagePath } from "../../../src/node/package-root.ts";

it("migrations have the same numbers and names on every back end", () => {
  const of = (backEnd: string) => readdirSync(packagePath("migrations", backEnd)).sort();
  expect(of("postgres")).toEqual(of("sqlite"));
});
