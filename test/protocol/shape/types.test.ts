// The generated types are those that zod infers from the schemas.
import { describe, expectTypeOf, it } from "vitest";
import type * as z from "zod";
import type { policyBundleJson } from "../../../src/protocol/bundle/policy-bundle.schema.ts";
import type { PolicyBundleJson } from "../../../src/protocol/bundle/policy-bundle.shape.ts";
import type { ATTACHED, PREDICATES } from "../../../src/protocol/entry/kinds.schema.ts";
import type { Attached, Predicates } from "../../../src/protocol/entry/kinds.shape.ts";
import type { statementFrame } from "../../../src/protocol/envelope/statement.schema.ts";
import type { StatementFrame } from "../../../src/protocol/envelope/statement.shape.ts";
import type { rememberedState } from "../../../src/verifier/bundle/remembered-state.schema.ts";
import type { RememberedState } from "../../../src/verifier/bundle/remembered-state.shape.ts";
import type { evidenceDocument } from "../../../src/verifier/evidence.schema.ts";
import type { EvidenceDocument } from "../../../src/verifier/evidence.shape.ts";
import type { tcbInfo } from "../../../src/verifier/tdx/collateral.schema.ts";
import type { TcbInfo } from "../../../src/verifier/tdx/collateral.shape.ts";
import type { dstackEvent } from "../../../src/verifier/tdx/dstack-event-log.schema.ts";
import type { DstackEvent } from "../../../src/verifier/tdx/dstack-event-log.shape.ts";

type Inferred<S> = { [K in keyof S]: z.infer<S[K]> };
type Plain<T> = { [K in keyof T]: T[K] };

describe("the generated type", () => {
  it("of each kind's predicate and attachment is the schema's", () => {
    expectTypeOf<Plain<Predicates>>().toEqualTypeOf<Plain<Inferred<Writable<typeof PREDICATES>>>>();
    expectTypeOf<Plain<Attached>>().toEqualTypeOf<Plain<Inferred<Writable<typeof ATTACHED>>>>();
  });

  it("of each other format is the schema's", () => {
    expectTypeOf<PolicyBundleJson>().toEqualTypeOf<z.infer<typeof policyBundleJson>>();
    expectTypeOf<StatementFrame>().toEqualTypeOf<z.infer<typeof statementFrame>>();
    expectTypeOf<RememberedState>().toEqualTypeOf<z.infer<typeof rememberedState>>();
    expectTypeOf<EvidenceDocument>().toEqualTypeOf<z.infer<typeof evidenceDocument>>();
    expectTypeOf<TcbInfo>().toEqualTypeOf<z.infer<typeof tcbInfo>>();
    expectTypeOf<DstackEvent>().toEqualTypeOf<z.infer<typeof dstackEvent>>();
  });
});

type Writable<T> = { -readonly [K in keyof T]: T[K] };
