// Answers with policies as CoRIM, unsigned or signed: a view of what our verifier read in the current bundle (src/views/corim.ts).
import type { VerifiedBundle } from "../../verifier/bundle/verify-bundle.ts";
import { CORIM_PROFILE, corim, signCorim } from "../../views/corim.ts";
import { type PolicyInForce, policyInForce } from "../../views/policy-in-force.ts";
import { type EncodedBody, encodeBody } from "../http/encoded-body.ts";
import { BASE_HEADERS, NO_CACHE } from "../http/headers.ts";
import type { ReceiptIssuer } from "../receipts/receipt-issuer.ts";
import type { Bundles } from "./bundle-cache.ts";

export const CORIM_FORMS = ["application/rim+cbor", "application/rim+cose"] as const;
export type CorimForm = (typeof CORIM_FORMS)[number];

/** Whether a client may ask for a CoRIM. Nearly everybody fetches bundles. */
export function namesCorim(accept: string | undefined): boolean {
  return accept !== undefined && /rim\+c/i.test(accept);
}

export class CorimDocuments {
  readonly #bundles: Bundles;
  readonly #receipts: ReceiptIssuer;
  /** What was written of a bundle is good for as long as the bundle is. */
  readonly #written = new WeakMap<VerifiedBundle, Map<CorimForm, Promise<EncodedBody>>>();

  constructor(bundles: Bundles, receipts: ReceiptIssuer) {
    this.#bundles = bundles;
    this.#receipts = receipts;
  }

  /**
   * The policy that is in force, until the first end of policy, status and trust root.
   * @throws RequestProblem "not-found" and "bundle-not-acceptable" as a bundle is refused; for a signed one "receipts-off" and
   * "no-receipt-key".
   */
  async current(name: string, form: CorimForm): Promise<EncodedBody> {
    const { verified } = await this.#bundles.verified(name);
    const sign = form === "application/rim+cose" ? this.#receipts.signerOf() : null;
    const forms = this.#written.get(verified) ?? new Map<CorimForm, Promise<EncodedBody>>();
    this.#written.set(verified, forms);
    const kept = forms.get(form);
    if (kept !== undefined) return kept;
    const policy = policyInForce(verified);
    const writing = Promise.resolve(sign === null ? corim.render([policy]) : signCorim(policy, sign)).then(
      (bytes) => encodeBody(bytes as Uint8Array<ArrayBuffer>, this.#headers(policy, form)),
    );
    forms.set(form, writing);
    writing.catch(() => forms.delete(form));
    return writing;
  }

  #headers({ index }: PolicyInForce, form: CorimForm): Record<string, string> {
    return {
      ...BASE_HEADERS,
      "content-type": `${form}; profile="${CORIM_PROFILE}"`,
      "cache-control": NO_CACHE,
      vary: "accept",
      ...(this.#receipts.areGiven() && { link: `<../entries/${index}/receipt>; rel="receipt"` }),
    };
  }
}
