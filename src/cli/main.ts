#!/usr/bin/env node
// Starts the program `touchstone`, or says that this Node.js is too old for it before it loads anything that such a one cannot read.
import { refuseNode } from "./node-version.ts";

const refusal = refuseNode(process.version);
if (refusal === undefined) {
  process.getBuiltinModule("node:module").enableCompileCache(cacheFolder());
  void import("./run.ts").then(({ run }) => run(process.argv));
} else {
  process.stderr.write(`${refusal}\n`);
  process.exitCode = 2;
}

/** Compiled code is run as it is found, so it lies where this user alone writes: not in the folder for temporary files, as by default. */
function cacheFolder(): string {
  const caches = process.env.XDG_CACHE_HOME || `${process.getBuiltinModule("node:os").homedir()}/.cache`;
  return `${caches}/touchstone`;
}
