// Defines the options by which a pipeline publishes as itself, without a key (open-identity.ts).
import { type Command, Option } from "commander";

export function addIdentityOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--identity <provider>",
        "publish by the pipeline's own identity, without a key; oidc needs --token-command",
      ).choices(["github", "oidc"]),
    )
    .option("--token-command <program>", "prints a token for the audience that it gets as its last argument")
    .option("--publish-claims", "agree that what the token says is public for ever");
}
