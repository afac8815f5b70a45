// touchstone policy draft: the next version of a policy from a content file or from logged entries, and its content from a known-good
// machine. Everything that is written is for a human to review before anybody signs.
import type { Command } from "commander";
import { parseJson } from "../../../protocol/envelope/parse-json.ts";
import { findEntry } from "../../../publisher/client/lookup.ts";
import type { PlatformRelease } from "../../../publisher/evidence/draft-platform.ts";
import { observeMachine } from "../../../publisher/evidence/observe-machine.ts";
import { composePolicy } from "../../../publisher/policy/compose-policy.ts";
import { draftFromMachine } from "../../../publisher/policy/draft-from-machine.ts";
import { draftPolicy, type PolicyContent, placeAfter } from "../../../publisher/policy/draft-policy.ts";
import { parseRelease, releasesOf } from "../../../publisher/policy/find-release.ts";
import { MEMBER_KINDS } from "../../../publisher/policy/release-set.ts";
import { parseRequirements } from "../../../publisher/policy/requirements.ts";
import { type ChosenReleases, selectRelease } from "../../../publisher/policy/select-release.ts";
import { parseEvidence } from "../../../verifier/evidence.ts";
import { NVIDIA_DEVICE_ROOT } from "../../../verifier/nvidia/device-root.ts";
import { INTEL_SGX_ROOT_CA } from "../../../verifier/tdx/intel-root.ts";
import { type CliContext, show, UsageError } from "../../context.ts";
import { readInput, readOwn, writeOutput } from "../../files.ts";
import { logClient } from "../../log-client.ts";
import { collect, DEFAULT_URL, parseCount, parsePositive, parseTime } from "../../options.ts";
import { addTestingRoots, readTestingRoot } from "../../testing-root.ts";

interface Options {
  readonly osImage?: string;
  readonly gspFirmware?: string;
  readonly content?: string;
  readonly requirements?: string;
  readonly fromEvidence?: string;
  readonly asOf?: Date;
  readonly profile: string;
  readonly gpuRim: readonly string[];
  readonly platform: readonly string[];
  readonly platformOutput?: string;
  readonly machineType?: string;
  readonly vcpus?: number;
  readonly memory?: number;
  readonly builder?: string;
  readonly source?: string;
  readonly channel: string;
  readonly svn: number;
  readonly to: string;
  readonly days: number;
  readonly output: string;
  readonly intelRoot?: string;
  readonly nvidiaRoot?: string;
  readonly json?: boolean;
}

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
    .command("draft <name>")
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
    .option("--builder <id>", "who builds the platform's firmware")
    .option("--source <uri>", "where its source is")
    .option("--channel <channel>", "channel of the platform's release", "stable")
    .option("--svn <number>", "security version number of the platform's release", parseCount, 0)
    .option("--to <url>", "base URL of the log, for the version before and the entries", DEFAULT_URL)
    .option("--days <number>", "how long it is to be in force", parsePositive, 30)
    .requiredOption("-o, --output <file>", "where to write the statement; with --from-evidence the content");
  addTestingRoots(command, ["intel", "nvidia"])
    .addHelpText("after", EXAMPLE)
    .action(async (name: string, options: Options) => {
      const { content, requirements, fromEvidence } = options;
      if ([content, requirements, fromEvidence].filter((given) => given !== undefined).length !== 1)
        throw new UsageError("give one of --content, --requirements and --from-evidence");
      if (fromEvidence !== undefined) await draftOfMachine(fromEvidence, options, context);
      else await draftVersion(name, await contentOf(options, context), options, context);
    });
}

async function contentOf(options: Options, context: CliContext): Promise<PolicyContent> {
  if (options.content !== undefined)
    return readOwn(options.content, (bytes) => parseJson(bytes, 1_000_000)) as unknown as PolicyContent;
  const wanted = readOwn(options.requirements ?? "", parseRequirements);
  const releases = await selectRelease(requireChosen(options), releasesOf(logClient(options.to, context)));
  return composePolicy(options.profile, releases, wanted);
}

async function draftVersion(
  name: string,
  content: PolicyContent,
  options: Options,
  context: CliContext,
): Promise<void> {
  const newest = await findEntry(logClient(options.to, context), { kind: "policy", name });
  const place = placeAfter(name, newest, options.days, context.now());
  writeOutput(options.output, draftPolicy(place, content));
  const version = (place.previous?.version ?? 0) + 1;
  show(context, options, { output: options.output, name, version }, [
    `${options.output}: policy ${name} version ${version}; review it, then sign it`,
  ]);
}

async function draftOfMachine(file: string, options: Options, context: CliContext): Promise<void> {
  const chosen = requireChosen(options);
  const { platformOutput, release } = requirePlatform(options);
  const machine = await observeMachine(parseEvidence(readInput(file)), {
    now: options.asOf ?? context.now(),
    roots: {
      intel: readTestingRoot("intel", options.intelRoot, context) ?? INTEL_SGX_ROOT_CA,
      nvidia: readTestingRoot("nvidia", options.nvidiaRoot, context) ?? NVIDIA_DEVICE_ROOT,
    },
  });
  const logged = releasesOf(logClient(options.to, context));
  const others = await selectRelease({ ...chosen, platforms: [] }, logged);
  const { platform, content } = draftFromMachine(options.profile, machine, release, others);
  writeOutput(platformOutput, platform);
  writeOutput(options.output, `${JSON.stringify(content, null, 2)}\n`);
  show(context, options, { output: options.output, platform: platformOutput }, [
    `${platformOutput}: platform ${chosen.platforms[0]}; review it, sign and publish it`,
    `${options.output}: what the machine showed; review it, then policy draft --content ${options.output}`,
  ]);
}

function requireChosen({ osImage, gspFirmware, gpuRim, platform }: Options): ChosenReleases {
  if (osImage === undefined || gspFirmware === undefined || gpuRim.length === 0 || platform.length === 0)
    throw new UsageError("name the release: --os-image, --gsp-firmware, --gpu-rim and --platform");
  return { osImage, gspFirmware, gpuRims: gpuRim, platforms: platform };
}

function requirePlatform(options: Options): { platformOutput: string; release: PlatformRelease } {
  const { platform, platformOutput, machineType, vcpus, memory, builder, source, channel, svn } = options;
  const [name, another] = platform;
  if (
    name === undefined ||
    another !== undefined ||
    platformOutput === undefined ||
    machineType === undefined ||
    vcpus === undefined ||
    memory === undefined ||
    builder === undefined ||
    source === undefined
  ) {
    throw new UsageError(
      "--from-evidence writes one platform: give one --platform, --platform-output, --machine-type, --vcpus, --memory, --builder and --source",
    );
  }
  const release = {
    ...parseRelease(MEMBER_KINDS.platforms, name),
    channel,
    svn,
    builder: { id: builder },
    source: { uri: source, commit: null, sha256: null },
    shape: { machineType, vcpus, memoryBytes: memory },
  };
  return { platformOutput, release };
}
