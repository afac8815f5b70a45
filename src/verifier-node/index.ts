// touchstone/verifier/node: the parts of a verifier that need Node.
export { createFileStore } from "./file-state.ts";
