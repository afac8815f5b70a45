// Saves so many states, each with another policy, into one file, as a process of its own: node save-state.ts FILE STATE PREFIX COUNT
import type { RememberedState } from "../../src/verifier/bundle/remembered-state.ts";
import { createFileStore } from "../../src/verifier-node/file-state.ts";

const [file = "", text = "", prefix = "", count = ""] = process.argv.slice(2);
const state = JSON.parse(text) as RememberedState;
for (let i = 0; i < Number(count); i++)
  await createFileStore(file).save({ ...state, policies: { [`${prefix}-${i}`]: i + 1 } }, null);
