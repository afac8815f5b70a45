// Is a process inside a made-up machine: runs `touchstone` with the arguments after the machine's address, where its kernel answers.
import { runCommand } from "../../src/cli/run-command.ts";
import { encodeHex } from "../../src/protocol/encoding/hex.ts";
import { madeUpConfigfs } from "./made-up-guest.ts";

const [url, ...args] = process.argv.slice(2);

async function quoteOver(reportData: Uint8Array): Promise<Uint8Array> {
  const answer = await fetch(`${url}/quote/${encodeHex(reportData)}`);
  if (!answer.ok) throw new Error(await answer.text());
  return new Uint8Array(await answer.arrayBuffer());
}

process.exitCode = await runCommand(args, {
  environment: process.env,
  now: () => new Date(),
  fetch: globalThis.fetch,
  print: (text) => console.log(text),
  warn: (text) => console.error(text),
  interactive: false,
  confirm: async () => true,
  reportFolder: (root) => madeUpConfigfs(root, quoteOver),
});
