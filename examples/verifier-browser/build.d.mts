// Types of build.mjs, for whoever builds the page with plugins.
import type { Plugin } from "esbuild";

export function buildPage(plugins?: readonly Plugin[]): Promise<Map<string, string>>;
