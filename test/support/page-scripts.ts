// Builds the scripts of the pages where the service finds them while nothing is built: once a run of the test that wants them.
import { existsSync, mkdirSync } from "node:fs";
import { buildPageScripts } from "../../scripts/build-page-scripts.ts";
import { inProject } from "./example-build.ts";

export async function makePageScripts(): Promise<void> {
  if (existsSync(inProject("dist/page-scripts"))) await buildPageScripts(inProject("dist/page-scripts"));
  mkdirSync(inProject(".scratch"), { recursive: true });
  await buildPageScripts(inProject(".scratch/page-scripts"));
}
