// Exports touchstone/verifier/node: the parts of a verifier that need Node.
export { FileError } from "../node/file-error.ts";
export { createFileStore } from "./file-state.ts";
