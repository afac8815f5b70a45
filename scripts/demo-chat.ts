// Serves the example page, with a log, a machine and a model that are made up, until it is stopped: `npm run demo:chat`, and again with
// `-- --bad` for a machine that runs another image.
import { madeUpModel, serveChatPage } from "../test/support/chat-page.ts";
import { SealedMachine } from "../test/support/sealed-machine.ts";

const ANSWER =
  "I am made up, and so is the machine that I run in; the check that you see at the top is not. It was made in this page, over a bundle of a log, " +
  "a TDX quote and the report of a GPU. Your question was sealed to a key that the quote vouches for, and each of these words was sealed on its way back.";

async function* words(): AsyncGenerator<string> {
  for (const word of ANSWER.match(/\S+\s*/g) ?? []) {
    await new Promise((resolve) => setTimeout(resolve, 60));
    yield word;
  }
}

const machine = await SealedMachine.start(new Date());
machine.clock = () => new Date();
machine.answering = madeUpModel(words);
if (process.argv.includes("--bad"))
  machine.shown = { ...machine.shown, tdx: { body: { rtmr1: new Uint8Array(48) } } };
const { address } = await serveChatPage(machine, Number(process.env.PORT ?? 0));
console.log(address);
