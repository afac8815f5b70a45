// Writes the next version of a policy, or its content from a known-good machine, for a human to review before anybody signs.
import type { Platform } from "../../../protocol/entry/kinds/platform.ts";
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
import { logOrigin } from "../../log-origin.ts";
import { readTestingRoot } from "../../testing-root.ts";

interface Options {
  readonly osImage?: string;
  readonly gspFirmware?: string;
  readonly content?: string;
  readonly requirements?: string;
  readonly fromEvidence?: string;
  readonly asOf?: Date;
  readonly profile: string;
  readonly gpuRim: readonly string[];
  readonly switchRim: readonly string[];
  readonly platform: readonly string[];
  readonly platformOutput?: string;
  readonly machineType?: string;
  readonly vcpus?: number;
  readonly memory?: number;
  readonly vmm: Platform["vmm"]["name"];
  readonly builder?: string;
  readonly source?: string;
  readonly channel: string;
  readonly svn: number;
  readonly to: string;
  readonly trust?: string;
  readonly days: number;
  readonly output: string;
  readonly intelRoot?: string;
  readonly nvidiaRoot?: string;
  readonly json?: boolean;
}

export async function runDraft(name: string, options: Options, context: CliContext): Promise<void> {
  const { content, requirements, fromEvidence } = options;
  if ([content, requirements, fromEvidence].filter((given) => given !== undefined).length !== 1)
    throw new UsageError("give one of --content, --requirements and --from-evidence");
  if (fromEvidence !== undefined) await draftOfMachine(fromEvidence, options, context);
  else await draftVersion(name, await contentOf(options, context), options, context);
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
  const origin = await logOrigin(options, context);
  const place = placeAfter({ name, origin }, newest, options.days, context.now());
  writeOutput(options.output, draftPolicy(place, content));
  const version = (place.previous?.version ?? 0) + 1;
  show(context, options, { output: options.output, name, version, origin }, [
    `${options.output}: policy ${name} version ${version} for ${origin}; review it, then sign it`,
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
  const files = { output: options.output, platform: platformOutput, leftOut: machine.leftOut };
  show(context, options, files, [
    `${platformOutput}: platform ${chosen.platforms[0]}; review it, sign and publish it`,
    ...machine.leftOut.map((sentence) => `note: ${sentence}`),
    `${options.output}: what the machine showed; review it, then policy draft --content ${options.output}`,
  ]);
}

function requireChosen({ osImage, gspFirmware, gpuRim, switchRim, platform }: Options): ChosenReleases {
  if (osImage === undefined || gspFirmware === undefined || gpuRim.length === 0 || platform.length === 0)
    throw new UsageError("name the release: --os-image, --gsp-firmware, --gpu-rim and --platform");
  return { osImage, gspFirmware, gpuRims: gpuRim, switchRims: switchRim, platforms: platform };
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
    vmm: { name: options.vmm, package: null, sha256: null, arguments: [] },
  };
  return { platformOutput, release };
}
