// Opens what signs by the pipeline's own identity, as the options of a command name it (identity-options.ts).
import type { LogClient } from "../publisher/client/log-client.ts";
import { getProviders } from "../publisher/identity/logged-providers.ts";
import { IdentitySigner } from "../publisher/identity/sign-by-identity.ts";
import { commandTokens, githubTokens, type TokenSource } from "../publisher/identity/token-source.ts";
import { AnswerIsNo, type CliContext, UsageError } from "./context.ts";

export interface IdentityOptions {
  readonly identity?: "github" | "oidc";
  readonly tokenCommand?: string;
  readonly publishClaims?: boolean;
}

/** Opens the signer that the options name; null where they name none. @throws UsageError, and what asking the log throws. */
export async function openIdentity(
  options: IdentityOptions,
  client: LogClient,
  context: CliContext,
): Promise<IdentitySigner | null> {
  const tokens = tokenSourceOf(options, context);
  if (tokens === null) return null;
  const providers = await getProviders(client);
  const agree = (stated: Readonly<Record<string, unknown>>) => requireConsent(stated, options, context);
  return new IdentitySigner({ tokens, providers, now: context.now, agree });
}

function tokenSourceOf({ identity, tokenCommand }: IdentityOptions, context: CliContext): TokenSource | null {
  if ((identity === "oidc") !== (tokenCommand !== undefined))
    throw new UsageError("--identity oidc and --token-command, which prints its tokens, go together");
  if (tokenCommand !== undefined) return commandTokens(tokenCommand, context.environment);
  return identity === "github" ? githubTokens(context.environment, context.fetch) : null;
}

/** A token names repository, run and people for ever, also those of a private repository. */
async function requireConsent(
  stated: Readonly<Record<string, unknown>>,
  { publishClaims }: IdentityOptions,
  context: CliContext,
): Promise<void> {
  if (publishClaims === true) return;
  const claims = Object.entries(stated).map(([name, value]) => `  ${name}: ${JSON.stringify(value)}`);
  context.warn(["the token, with all that it says, becomes public for ever:", ...claims].join("\n"));
  if (!context.interactive)
    throw new UsageError(
      "nothing was sent: --publish-claims agrees that what the token says is public for ever",
    );
  if (!(await context.confirm("Publish it?"))) throw new AnswerIsNo("nothing was published", "declined");
}
