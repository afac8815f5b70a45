// Implements `touchstone policy draft`: the next version of a policy from a content file or from logged entries, and its content from a
// known-good machine. Everything that is written is for a human to review before anybody signs.
import { type Command, Option } from "commander";
import { VMMS } from "../../../protocol/entry/boot.ts";
import type { CliContext } from "../../context.ts";
import {
  collect,
  DEFAULT_URL,
  parseCount,
  parseName,
  parsePositive,
  parseTime,
  parseUrl,
} from "../../options.ts";
import { addTestingRoots } from "../../testing-root-options.ts";

const EXAMPLE = `
Examples:
  touchstone policy draft prod --content examples/release/policy.json -o policy.json

  touchstone policy draft prod --os-image acme/guest@2026.11 --gsp-firmware nvidia/gsp@580.95.05 \\
    --gpu-rim nvidia/gh100-driver@580.95.05 --gpu-rim nvidia/gh100-vbios@96.00.CF.00.01 \\
    --platform acme/h100-8@1 --requirements requirements.toml -o policy.json

  touchstone policy draft prod --from-evidence evidence.json --os-image acme/guest@2026.11 \\
    --gsp-firmware nvidia/gsp@580.95.05 --gpu-rim nvidia/gh100-driver@580.95.05 --gpu-rim nvidia/gh100-vbios@96.00.CF.00.01 \\
    --platform acme/h100-8@1 --machine-type q35 --vcpus 32 --memory 274877906944 \\
    --builder https://ci.acme.example --source https://git.acme.example/edk2 --platform-output platform.json -o content.json

The last one writes what the machine showed: a platform statement to sign and publish, and the content that --content takes.`;

export function addPolicyDraft(policy: Command, context: CliContext): void {
  const command = policy
    .command("draft")
    .argument("<name>", "name of the policy", parseName)
    .description("write the next version of a policy, to be reviewed and signed")
    .option("--content <file>", "JSON with svnFloor and profiles, see examples/release/policy.json")
    .option(
      "--requirements <file>",
      "or what the machine must show, TOML or JSON of tdx, gpu and binding, beside the entries below",
    )
    .option("--from-evidence <file>", "or a known-good machine's evidence.json, beside the entries below")
    .option("--as-of <time>", "when that evidence is genuine, RFC 3339 (default: now)", parseTime)
    .option("--os-image <name@version>", "logged image; its kernel and driver follow from it")
    .option("--gsp-firmware <name@version>", "logged GSP firmware")
    .option("--gpu-rim <name@version>", "logged golden table; may be given several times", collect, [])
    .option(
      "--switch-rim <name@version>",
      "logged golden table of an NVSwitch, for GPUs in PPCIE; may be given several times",
      collect,
      [],
    )
    .option(
      "--platform <name@version>",
      "logged platform, may be given several times; or the one to be written",
      collect,
      [],
    )
    .option("--profile <id>", "id of the profile", "default")
    .option("--platform-output <file>", "where to write the platform's statement")
    .option("--machine-type <type>", "machine type of the VMM, such as q35")
    .option("--vcpus <number>", "virtual CPUs", parseCount)
    .option("--memory <bytes>", "memory in bytes", parseCount)
    .addOption(new Option("--vmm <name>", "VMM of the platform").choices([...VMMS, "other"]).default("other"))
    .option("--builder <id>", "who builds the platform's firmware")
    .option("--source <uri>", "where its source is")
    .option("--channel <channel>", "channel of the platform's release", "stable")
    .option("--svn <number>", "security version number of the platform's release", parseCount, 0)
    .option(
      "--to <url>",
      "base URL of the log, for the version before and the entries",
      parseUrl,
      DEFAULT_URL,
    )
    .option("--trust <file>", "trust-root.json: the log that the policy is for (default: as the log says)")
    .option("--days <number>", "how long it is to be in force", parsePositive, 30)
    .requiredOption("-o, --output <file>", "where to write the statement; with --from-evidence the content");
  addTestingRoots(command, ["intel", "nvidia"])
    .addHelpText("after", EXAMPLE)
    .action(async (name, options) => {
      const { runDraft } = await import("../../actions/policy/draft.ts");
      await runDraft(name, options, context);
    });
}
