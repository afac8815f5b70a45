// Exports touchstone/gate: for programs on Node that send nothing to a machine before it is appraised.
export { GateError } from "../sealed/gate-error.ts";
export { createGate, type Gate, type GateOptions } from "./gate.ts";
