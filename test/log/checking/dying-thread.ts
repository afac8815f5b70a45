// Ends in the middle of its first call, as a thread does that runs out of memory.
import { answerCalls } from "../../../src/node/thread.ts";

answerCalls(() => process.exit(1));
