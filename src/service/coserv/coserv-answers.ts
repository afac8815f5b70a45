// Keeps the answers to CoSERV's queries for as long as the policies in force are the same: what they are made of is put together once.
import { LRUCache } from "lru-cache";
import type { CoseSigner } from "../../protocol/cose/cose-sign1.ts";
import { MalformedError, PolicyError } from "../../protocol/errors.ts";
import { signCorim } from "../../views/corim.ts";
import { answerCoserv, type Collection, collectPolicies, signCoserv } from "../../views/coserv.ts";
import { type CoservQuery, readCoservQuery } from "../../views/coserv-query.ts";
import { type PolicyInForce, policyInForce } from "../../views/policy-in-force.ts";
import { type PoliciesInForce, policiesInForce } from "../bundles/policies-in-force.ts";
import { type EncodedBody, encodeBody } from "../http/encoded-body.ts";
import { oneATurn } from "../http/one-a-turn.ts";
import { RequestProblem } from "../problem.ts";
import type { Service } from "../service.ts";

/** Answers in memory, with those that are being made: many ask for the same after each change. */
const KEPT = 64;

/** An answer that is ready to send. */
export interface KeptAnswer {
  readonly body: EncodedBody;
  /** RFC 3339: the end of what it says. */
  readonly expires: string;
}

interface Form {
  /** Signs the CoRIMs of the source, where there is one; and the answer itself, which is a COSE_Sign1 then, with `signed`. */
  readonly signer: CoseSigner | null;
  readonly signed: boolean;
  /** Header fields of the answer, its content type among them. */
  readonly headers: Readonly<Record<string, string>>;
}

export class CoservAnswers {
  readonly #service: Pick<Service, "log" | "bundles" | "clock">;
  readonly #answers = new LRUCache<string, Promise<KeptAnswer>>({ max: KEPT });
  /** Each query has an answer of its own, and anybody can think of another one: of those that are made there is one in memory. */
  readonly #nextTurn = oneATurn();
  /** Signed CoRIMs: how many signatures there are is not for queries to say. */
  readonly #corims = new WeakMap<PolicyInForce, Promise<Uint8Array>>();
  #made: { readonly from: PoliciesInForce; readonly collection: Collection } | undefined;

  constructor(service: Pick<Service, "log" | "bundles" | "clock">) {
    this.#service = service;
  }

  /**
   * @param text the query as it stands in the path: what was kept is found by it, since a query has one text.
   * @throws RequestProblem "invalid-parameter", "not-acceptable" for another profile, or "bundle-not-acceptable" where nothing is in force.
   */
  async answer(text: string, form: Form): Promise<KeptAnswer> {
    const collection = this.#collect(await policiesInForce(this.#service));
    const key = `${form.signed} ${form.signer?.keyId} ${text}`;
    const kept = this.#answers.get(key);
    if (kept !== undefined) return kept;
    const query = readQuery(text);
    const made = this.#nextTurn(() => this.#make(query, collection, form));
    this.#answers.set(key, made);
    made.catch(() => this.#answers.delete(key));
    return made;
  }

  #collect(from: PoliciesInForce): Collection {
    if (this.#made !== undefined && isSame(this.#made.from, from)) return this.#made.collection;
    const vouched = from.policies.map(({ verified, signers }) => ({
      policy: policyInForce(verified),
      signers,
    }));
    this.#made = { from, collection: collectPolicies(vouched, from.expires) };
    this.#answers.clear();
    return this.#made.collection;
  }

  async #make(
    query: CoservQuery,
    collection: Collection,
    { signer, signed, headers }: Form,
  ): Promise<KeptAnswer> {
    const answer = await answerCoserv(query, collection, signer, this.#signOnce);
    const bytes = signed && signer !== null ? await signCoserv(answer, signer) : answer.bytes;
    return { body: await encodeBody(bytes, headers), expires: answer.expires };
  }

  /** A server has one receipt key. */
  readonly #signOnce = (policy: PolicyInForce, signer: CoseSigner): Promise<Uint8Array> => {
    const kept = this.#corims.get(policy);
    if (kept !== undefined) return kept;
    const signing = signCorim(policy, signer);
    this.#corims.set(policy, signing);
    signing.catch(() => this.#corims.delete(policy));
    return signing;
  };
}

function isSame(before: PoliciesInForce, now: PoliciesInForce): boolean {
  return (
    before.expires === now.expires &&
    before.policies.length === now.policies.length &&
    before.policies.every(({ verified }, i) => verified === now.policies[i]?.verified)
  );
}

function readQuery(text: string): CoservQuery {
  try {
    return readCoservQuery(text);
  } catch (error) {
    if (error instanceof PolicyError) throw new RequestProblem("not-acceptable", error.message);
    if (error instanceof MalformedError)
      throw new RequestProblem("invalid-parameter", `query: ${error.message}`);
    throw error;
  }
}
