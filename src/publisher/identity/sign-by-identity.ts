// Signs with a key that is made for one signature, and a token of a provider that vouches for it. What the log would refuse is refused
// here, before anything is sent and public.
import { generateKeyPairSync, sign } from "node:crypto";
import { sha256 } from "../../protocol/cryptography/hash.ts";
import { KeyRing } from "../../protocol/cryptography/key-ring.ts";
import { keyIdOf } from "../../protocol/cryptography/signature.ts";
import { encodeBase64 } from "../../protocol/encoding/base64.ts";
import { encodeHex } from "../../protocol/encoding/hex.ts";
import type { IdentityRule } from "../../protocol/entry/identity-rule.ts";
import {
  type Envelope,
  makeEnvelope,
  preAuthEncoding,
  type Signature,
} from "../../protocol/envelope/dsse.ts";
import type { Statement } from "../../protocol/envelope/statement.ts";
import { PolicyError } from "../../protocol/errors.ts";
import { audienceOf } from "../../protocol/identity/audience.ts";
import { whyNotTaken } from "../../protocol/identity/check-token.ts";
import { type Token, verifyToken } from "../../protocol/identity/verify-token.ts";
import { rulesFor } from "../../protocol/registration/authorisation.ts";
import { keysAt } from "../../protocol/registration/identities.ts";
import { NOTHING_IN_FORCE } from "../../protocol/registration/in-force.ts";
import type { RefusalCode } from "../../protocol/registration/refusal.ts";
import type { Signable } from "../signing/sign.ts";
import type { LoggedProviders } from "./logged-providers.ts";
import type { TokenSource } from "./token-source.ts";

export interface IdentitySigning {
  readonly tokens: TokenSource;
  readonly providers: LoggedProviders;
  readonly now: () => Date;
  /** Asked once, before the first token is used: what it says is public for ever. @throws where that is not wanted. */
  readonly agree: (stated: Token["stated"]) => Promise<void>;
}

export class IdentitySigner {
  readonly #signing: IdentitySigning;
  #agreed = false;

  constructor(signing: IdentitySigning) {
    this.#signing = signing;
  }

  /**
   * Adds a signature by the identity; one of an earlier attempt, whose token may be too old by now, goes.
   * @throws VerificationError "token-invalid", PolicyError "identity-refused", and what asking for a token throws.
   */
  async sign({ payload, signatures }: Signable): Promise<Envelope> {
    const others = signatures.filter(({ identity }) => identity === undefined);
    return makeEnvelope(payload, [...others, await this.#signature(payload)]);
  }

  async #signature(payload: Uint8Array): Promise<Signature> {
    const { tokens, providers, agree } = this.#signing;
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const spki = new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
    const keyId = keyIdOf(spki);
    const audience = audienceOf(providers.root.origin, keyId, encodeHex(sha256(payload)));
    const jwt = await tokens(audience);
    const token = await this.#verify(jwt);
    const rule = this.#ruleFor(token, audience, makeEnvelope(payload, []).statement);
    if (!this.#agreed) await agree(token.stated);
    this.#agreed = true;
    const signature = new Uint8Array(sign(null, preAuthEncoding(payload), privateKey));
    return { keyId, signature, identity: { jwt, rule: rule.id, spki: encodeBase64(spki) } };
  }

  /** By the keys that the log has now, as the log will. */
  async #verify(jwt: string): Promise<Token> {
    const { providers, now } = this.#signing;
    const ring = new KeyRing();
    for (const issuer of new Set(providers.root.identities.map((rule) => rule.issuer))) {
      const keys = keysAt(providers.identityKeys, issuer, now().getTime() / 1000, NOTHING_IN_FORCE);
      await ring.addProvider({ issuer, keys });
    }
    return verifyToken(jwt, ring.providers);
  }

  #ruleFor(token: Token, audience: string, { kind, name }: Statement): IdentityRule {
    const { providers, now } = this.#signing;
    const { version } = providers.root;
    const named = new Set(rulesFor(providers.root, { kind, name }).flatMap((rule) => rule.identities ?? []));
    const identities = providers.root.identities.filter(({ id }) => named.has(id));
    // A second for the way, since the log cuts fractions off.
    const time = Math.floor(now().getTime() / 1000) + 1;
    const reasons: string[] = [];
    for (const rule of identities) {
      const why = rule.algorithms.includes(token.key.alg)
        ? whyNotTaken(rule, token, { audience, time })
        : `it is signed with ${token.key.alg}`;
      if (why === null) return rule;
      reasons.push(`${rule.id}: ${why}`);
    }
    const listed = reasons.length === 0 ? "none may publish it" : reasons.join("; ");
    throw new PolicyError<RefusalCode>(
      "identity-refused",
      `no identity rule of trust root version ${version} takes the token for ${kind} ${name}: ${listed}`,
    );
  }
}
