// Tells the whole story on example data: a log is founded, a release published, a policy made of it, machines appraised, a prompt sent, a
// release revoked. Everything is real but the machines.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { audit } from "../../auditor/audit.ts";
import { AuditState } from "../../auditor/audit-state.ts";
import { openSource } from "../../auditor/log-source.ts";
import type { RunningServer } from "../../http/server.ts";
import { packagePath } from "../../node/package-root.ts";
import { openSigner } from "../../node/signing/open-signer.ts";
import type { Signer } from "../../node/signing/signer.ts";
import { inDependencyOrder } from "../../protocol/entry/dependency-order.ts";
import { osImage } from "../../protocol/entry/kinds/os-image.ts";
import { describeReference } from "../../protocol/entry/reference.ts";
import { makeEnvelope } from "../../protocol/envelope/dsse.ts";
import { parseJson } from "../../protocol/envelope/parse-json.ts";
import { formatStatement } from "../../protocol/envelope/statement.ts";
import { parseTlogPolicy } from "../../protocol/note/tlog-policy.ts";
import type { LogClient } from "../../publisher/client/log-client.ts";
import { publish } from "../../publisher/client/publish.ts";
import { draftPolicy, type PolicyContent, placeAfter } from "../../publisher/policy/draft-policy.ts";
import { parseSignable, signEnvelope } from "../../publisher/signing/sign.ts";
import {
  bootEvents,
  encodeEvidence,
  type Machine,
  type MachineOptions,
  makeMachine,
  makeVendors,
} from "../../testing/index.ts";
import { appraiseEvidence } from "../../verifier/appraisal/appraise.ts";
import { reasonOf } from "../../verifier/appraisal/verdict.ts";
import { fetchPolicy } from "../../verifier/bundle/fetch-policy.ts";
import { createMemoryStore } from "../../verifier/bundle/state-store.ts";
import { parseTrustFile, type TrustAnchor } from "../../verifier/bundle/trust-pin.ts";
import type { VerifiedBundle } from "../../verifier/bundle/verify-bundle.ts";
import { type CliContext, describeError, UsageError } from "../context.ts";
import { askThroughGate, cutByRevocation } from "../demo/through-the-gate.ts";
import { readInput } from "../files.ts";
import { initLog } from "../init-log.ts";
import { logClient } from "../log-client.ts";
import { serveLog } from "../serve-log.ts";

interface DemoOptions {
  readonly dir?: string;
  readonly port: number;
  readonly once?: boolean;
}

/** What the chapters of the story share. */
interface Story {
  readonly dir: string;
  readonly client: LogClient;
  readonly anchor: TrustAnchor;
  readonly context: CliContext;
  key(role: string): Promise<Signer>;
}

export async function runDemo(options: DemoOptions, context: CliContext): Promise<void> {
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), "touchstone-demo-"));
  try {
    await runDemoIn(dir, options, context);
  } finally {
    if (options.dir === undefined) rmSync(dir, { recursive: true, force: true });
  }
}

async function runDemoIn(dir: string, options: DemoOptions, context: CliContext): Promise<void> {
  const server = await tellStory(dir, options, context);
  if (options.once !== true) {
    context.print(
      `\nThe log stays at ${server.address} (and its API page at ${server.address}/docs) until you press Ctrl-C.`,
    );
    await new Promise((resolve) => {
      for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, resolve);
    });
  }
  await server.stop();
}

const EXAMPLES = packagePath("examples", "release");

const POLICY = "demo";

async function tellStory(dir: string, options: DemoOptions, context: CliContext): Promise<RunningServer> {
  context.print(
    `1. A log is founded in ${dir}: one key for each role, a trust root that says who may do what.`,
  );
  await initLog(dir, { origin: "demo.example/touchstone", url: "http://127.0.0.1:8080", port: 0 }, context);
  const server = await serveLog(
    join(dir, "touchstone.toml"),
    options.port,
    pino({ level: "silent" }),
    context,
  );
  const story: Story = {
    dir,
    client: logClient(server.address, context),
    anchor: parseTrustFile(readInput(join(dir, "trust-root.json"))),
    context,
    key: (role) => openSigner(join(dir, "keys", `${role}.pem`), context),
  };
  try {
    await publishRelease(story);
    await publishPolicy(story);
    const verified = await fetchAndVerify(story);
    await appraiseMachines(story, verified);
    await auditLog(story);
    await sendPrompts(story);
    await revokeRelease(story);
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function publishRelease({ client, anchor, context, key }: Story): Promise<void> {
  context.print(
    "\n2. The release pipeline signs what it built and publishes it in one batch; the log answers with proofs.",
  );
  const publisher = await key("publisher");
  const envelopes = await Promise.all(
    readExamples().map((bytes) => signEnvelope(parseSignable(bytes), [publisher])),
  );
  const published = await publish(
    client,
    inDependencyOrder(envelopes, ({ statement }) => statement.kind),
    [],
    parseTlogPolicy(anchor.root.logPolicy),
  );
  for (const { index, envelope } of published)
    context.print(`   entry ${index}: ${describeReference(envelope.statement)}`);
}

async function publishPolicy({ client, anchor, context, key }: Story): Promise<void> {
  context.print("\n3. The policy owner signs which whole release set is acceptable, for 30 days.");
  const content = parseJson(
    readFileSync(join(EXAMPLES, "policy.json"), "utf8"),
    100_000,
  ) as unknown as PolicyContent;
  const payload = draftPolicy(
    placeAfter({ name: POLICY, origin: anchor.origin }, undefined, 30, context.now()),
    content,
  );
  const [published] = await publish(
    client,
    [await signEnvelope({ payload, signatures: [] }, [await key("policy")])],
    [],
    parseTlogPolicy(anchor.root.logPolicy),
  );
  context.print(
    `   entry ${published?.index}: policy/${POLICY}@1; the service adds a status that says what is in force`,
  );
}

/** What a verifier gets who has seen nothing of this log yet. */
function fetchFirst({
  client,
  anchor,
  context,
}: Pick<Story, "client" | "anchor" | "context">): Promise<VerifiedBundle> {
  return fetchPolicy({
    url: client.url,
    name: POLICY,
    pin: anchor,
    store: createMemoryStore(),
    now: context.now(),
    fetch: context.fetch,
  });
}

async function fetchAndVerify({ client, anchor, context }: Story): Promise<VerifiedBundle> {
  context.print(
    "\n4. A verifier fetches one bundle and checks it offline, in six steps, from the trust root it pins.",
  );
  const verified = await fetchFirst({ client, anchor, context });
  const { policy, checkpoint, status, entries } = verified;
  context.print(
    `   verified: policy ${policy.name} version ${policy.version} with ${entries.size} entries, in ${checkpoint.origin} at size ${checkpoint.size}`,
  );
  context.print(
    `   status ${status.sequence} is good until ${status.expires}, the policy until ${policy.expires}`,
  );
  return verified;
}

/** The example's policy asks for the report of TDX 1.5. */
const QUOTE = { quote: { form: "v5-tdx1.5" } } as const;

/** One machine as it should be, and what becomes of others. */
const MACHINES: ReadonlyArray<readonly [string, (at: Date) => Partial<MachineOptions>]> = [
  ["runs exactly what was published", () => ({})],
  ["booted another image", () => ({ events: bootEvents("another image") })],
  ["is a debug TD", () => ({ tdx: { body: { tdAttributes: Uint8Array.of(1, 0, 0, 16, 0, 0, 0, 0) } } })],
  ["has its GPU's confidential mode off", () => ({ claims: { ccMode: "off" } })],
  ["has another GPU driver", () => ({ gpus: [{ driverVersion: "570.10.01" }] })],
  ["has a GPU whose certificate was revoked", () => ({ gpus: [{ ocsp: { status: "revoked" as const } }] })],
];

async function appraiseMachines({ context }: Story, verified: VerifiedBundle): Promise<void> {
  context.print(
    "\n5. Machines show their evidence (made up here, under made-up vendors; real vendors' roots would refuse it):",
  );
  const at = context.now();
  const vendors = await makeVendors(at);
  for (const [what, change] of MACHINES) {
    const changed = change(at);
    const tdx = { ...changed.tdx, ...QUOTE };
    const machine = await makeMachine({ at, vendors, ...changed, tdx });
    const verdict = await appraiseMachine(machine, verified, at);
    context.print(`   ${verdict.verdict.padEnd(8)}  the machine ${what}`);
    const reason = reasonOf(verdict.checks);
    if (reason !== null) context.print(`             ${shorten(reason)}`);
  }
}

function appraiseMachine(machine: Machine, verified: VerifiedBundle, now: Date) {
  const channel = { type: "tls-spki", key: machine.channel.spki } as const;
  return appraiseEvidence(verified, encodeEvidence(machine.evidence), {
    now,
    nonce: machine.nonce,
    channel,
    roots: machine.roots,
  });
}

async function sendPrompts(story: Story): Promise<void> {
  story.context.print(
    "\n7. A client sends a prompt through the gate. On each connection the gate asks for evidence first, and nothing leaves before the verdict:",
  );
  await askThroughGate(sceneOf(story));
}

function sceneOf({ client, anchor, context }: Story) {
  return { log: client.url, policy: POLICY, pin: anchor, context, machine: { tdx: QUOTE } };
}

async function revokeRelease(story: Story): Promise<void> {
  const { client, anchor, context } = story;
  context.print("\n8. A hole is found in the image, while a reply is under way. One revocation:");
  await cutByRevocation(sceneOf(story), () => publishRevocation(story));
  const refused = await fetchFirst({ client, anchor, context }).then(
    () => "the bundle is still accepted",
    (error: unknown) => describeError(error).message,
  );
  context.print(`   and no verifier takes the policy any more: ${shorten(refused)}`);
}

async function publishRevocation({ client, anchor, key }: Story): Promise<void> {
  const image = readExamples()
    .map((bytes) => makeEnvelope(parseSignable(bytes).payload, []))
    .find(({ statement }) => statement.kind === osImage.kind);
  if (image === undefined) throw new UsageError(`${EXAMPLES} has no ${osImage.kind}`);
  const payload = formatStatement("revocation", {
    name: "demo-advisory",
    version: "1",
    origin: anchor.origin,
    digests: [image.payloadDigest],
    keys: [],
    identities: [],
    reason: "guest escape in the demo",
    advisory: null,
  });
  const envelope = await signEnvelope({ payload, signatures: [] }, [await key("revocation")]);
  await publish(client, [envelope], [], parseTlogPolicy(anchor.root.logPolicy));
}

async function auditLog({ client, anchor, context }: Story): Promise<void> {
  context.print(
    "\n6. An auditor replays the whole log as a stranger: every proof, signature and rule again.",
  );
  const state = AuditState.open(null);
  try {
    const read = openSource(client.url, { fetch: context.fetch });
    const report = await audit({
      read,
      trust: anchor,
      state,
      now: context.now(),
      onProgress: () => undefined,
    });
    const { entriesChecked, signaturesChecked, statusesRecomputed, findings } = report;
    context.print(
      `   ${entriesChecked} entries, ${signaturesChecked} signatures, ${statusesRecomputed} statuses; merkletreejs on the root: ${report.secondOpinion}; findings: ${findings.length}`,
    );
    for (const { code, message } of findings) context.print(`   ${code}: ${message}`);
  } finally {
    state.close();
  }
}

function readExamples(): Uint8Array[] {
  const files = readdirSync(EXAMPLES).filter((file) => file.startsWith("example-") && file.endsWith(".json"));
  return files.map((file) => new Uint8Array(readFileSync(join(EXAMPLES, file))));
}

function shorten(text: string): string {
  return text.replace(/([0-9a-f]{12})[0-9a-f]{20,}/g, "$1…");
}
