#!/usr/bin/env node
// Starts the program `touchstone`, or says that this Node.js is too old for it before it loads anything that such a one cannot read.
import { refuseNode } from "./node-version.ts";

const refusal = refuseNode(process.version);
if (refusal === undefined) void import("./run.ts").then(({ run }) => run(process.argv));
else {
  process.stderr.write(`${refusal}\n`);
  process.exitCode = 2;
}
