// Exports touchstone/gate: for programs on Node that send nothing to a machine before it is appraised.
export { createGate, type Gate, type GateOptions } from "./gate.ts";
export { type GateCode, GateError } from "./gate-error.ts";
