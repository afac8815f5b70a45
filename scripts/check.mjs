// Runs the checks that need no test beside each other, prints what each one said when it ends, and fails when any of them failed.
import { spawn } from "node:child_process";

const CHECKS = ["types", "lint", "lint:api", "boundaries", "deadcode"];

/** Settles as whether `npm run NAME` succeeded, once its output was printed as a whole. */
function check(name) {
  return new Promise((resolve) => {
    const child = spawn("npm", ["run", "--silent", name], { stdio: ["ignore", "pipe", "pipe"] });
    const output = [];
    child.stdout.on("data", (chunk) => output.push(chunk));
    child.stderr.on("data", (chunk) => output.push(chunk));
    child.on("close", (code) => {
      console.log(`${name}: ${code === 0 ? "good" : "FAILED"}`);
      process.stdout.write(Buffer.concat(output));
      resolve(code === 0);
    });
  });
}

const outcomes = await Promise.all(CHECKS.map(check));
process.exitCode = outcomes.every(Boolean) ? 0 : 1;
