// Warns when a provider of identities signs with a key that the log does not have: pipelines cannot publish then, until people have signed
// and published its keys (docs/formats.md, "Identity").
import type { Logger } from "pino";
import type { IdentityKeys } from "../protocol/entry/identity-keys.ts";
import { currentTrustRoot, type InForce } from "../protocol/registration/in-force.ts";
import type { Metrics } from "./metrics/metrics.ts";

export interface ProviderWatchOptions {
  readonly inForce: () => InForce;
  /** Asks a provider, and says which of its keys the newest ones in the log lack. */
  readonly missingKeys: (issuer: string, logged: IdentityKeys | undefined) => Promise<string[]>;
  readonly metrics: Metrics;
  readonly logger: Pick<Logger, "warn">;
}

export class ProviderWatch {
  readonly #options: ProviderWatchOptions;

  constructor(options: ProviderWatchOptions) {
    this.#options = options;
  }

  /** Asks every provider that the trust root in force names. It never fails: a provider that does not answer is told as that. */
  async check(): Promise<void> {
    const { inForce } = this.#options;
    const { identityKeys } = inForce();
    const rules = currentTrustRoot(inForce())?.root.identities ?? [];
    for (const issuer of new Set(rules.map((rule) => rule.issuer)))
      await this.#checkOne(issuer, identityKeys.findLast(({ keys }) => keys.issuer === issuer)?.keys);
  }

  async #checkOne(issuer: string, logged: IdentityKeys | undefined): Promise<void> {
    const { missingKeys, metrics, logger } = this.#options;
    try {
      const missing = await missingKeys(issuer, logged);
      metrics.setMissingKeys(issuer, missing.length);
      if (missing.length > 0)
        logger.warn(
          { issuer, missing },
          "a provider of identities has keys that the log lacks; draft them with 'touchstone identity snapshot'",
        );
    } catch (error) {
      logger.warn({ err: error, issuer }, "a provider of identities does not say what its keys are");
    }
  }
}
