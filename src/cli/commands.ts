// Lists the commands: what they are called, what they are for, and the function that says what they take. What they do is in actions/, and
// is imported when they are called.
import { define as appraise } from "./commands/appraise.ts";
import { define as attest } from "./commands/attest.ts";
import { define as audit } from "./commands/audit.ts";
import { define as backup } from "./commands/backup.ts";
import { define as bundle } from "./commands/bundle.ts";
import { define as demo } from "./commands/demo.ts";
import { define as describe } from "./commands/describe.ts";
import { define as doctor } from "./commands/doctor.ts";
import { define as entries } from "./commands/entries.ts";
import { define as evidence } from "./commands/evidence.ts";
import { define as exportLog } from "./commands/export.ts";
import { define as fsck } from "./commands/fsck.ts";
import { define as gate } from "./commands/gate.ts";
import { define as identity } from "./commands/identity.ts";
import { define as init } from "./commands/init.ts";
import { define as key } from "./commands/key.ts";
import { define as lookup } from "./commands/lookup.ts";
import { define as measure } from "./commands/measure.ts";
import { define as migrateStore } from "./commands/migrate-store.ts";
import { define as mirror } from "./commands/mirror.ts";
import { define as monitor } from "./commands/monitor.ts";
import { define as policy } from "./commands/policy.ts";
import { define as proof } from "./commands/proof.ts";
import { define as publish } from "./commands/publish.ts";
import { define as recover } from "./commands/recover.ts";
import { define as release } from "./commands/release.ts";
import { define as reproduce } from "./commands/reproduce.ts";
import { define as revoke } from "./commands/revoke.ts";
import { define as serve } from "./commands/serve.ts";
import { define as sign } from "./commands/sign.ts";
import { define as status } from "./commands/status.ts";
import { define as trustRoot } from "./commands/trust-root.ts";
import { define as witness } from "./commands/witness.ts";
import type { Define } from "./define-command.ts";

/** In the order of the help. */
export const COMMANDS: ReadonlyArray<readonly [name: string, description: string, define: Define]> = [
  ["init", "found a log: keys, trust root, configuration, database", init],
  ["serve", "run the log service; prints one line with its URL when it is ready", serve],
  ["demo", "the whole story on example data, then serve it", demo],
  ["key", "make keys and show their public half", key],
  ["describe", "read real artefacts into a statement", describe],
  ["measure", "compute what a boot will measure, from files alone", measure],
  [
    "sign",
    "sign a statement, or add a signature to an envelope (offline; run it once for each signer)",
    sign,
  ],
  [
    "publish",
    "publish signed entries in the order given, all of them or none; writes a .tlog-proof beside each",
    publish,
  ],
  [
    "release",
    "describe, sign and publish what a TOML file names, in one batch, and draft the policy over it",
    release,
  ],
  ["reproduce", "hold a release that was built again against its entry, field by field", reproduce],
  ["entries", "look up entries of a log", entries],
  [
    "lookup",
    "which entries of a log have a digest, measurement, name, payload or signer: proven, none included",
    lookup,
  ],
  ["policy", "policies: which releases are acceptable now", policy],
  [
    "revoke",
    "revoke entries (kind/name@version or sha256:<payload digest>) a stolen key (key:<id>@<from>..<to>) or an identity (identity:<rule>@<from>..<to>); irreversible",
    revoke,
  ],
  ["status", "statuses: what is in force, summarised for verifiers", status],
  ["identity", "identities: who may publish by a provider's token, and the provider's keys", identity],
  ["trust-root", "trust roots: who may do what in the log", trustRoot],
  ["bundle", "policy bundles: what verifiers fetch before they trust a quote", bundle],
  ["proof", "inclusion proofs", proof],
  ["appraise", "hold a machine's evidence against a policy bundle: trusted, or rejected and why", appraise],
  ["gate", "local proxy to a machine: nothing is sent before the machine is appraised", gate],
  ["evidence", "check one piece of evidence alone, or put the pieces of other tools together", evidence],
  ["attest", "inside the machine: make its evidence, for a file or for whoever asks", attest],
  [
    "audit",
    "replay a whole log, or a mirror's folder: every proof, signature, rule and attachment again",
    audit,
  ],
  ["mirror", "keep a verified static copy of a log in a folder, for any web server", mirror],
  ["export", "write the same copy of one's own log from its database, also while it is served", exportLog],
  [
    "monitor",
    "watch a log from several vantage points, and tell what is wrong: once, for cron, or on and on",
    monitor,
  ],
  [
    "doctor",
    "look at a log's whole set-up: store, leader, marks, witnesses, keys, copies; it changes nothing",
    doctor,
  ],
  [
    "backup",
    "copy the log's database, also while it is served; keys and the high-water file are not in it",
    backup,
  ],
  [
    "recover",
    "fetch from a mirror what the database lacks; every entry is checked and registered again",
    recover,
  ],
  [
    "migrate-store",
    "move a log that is not served to another store: a file, or a PostgreSQL database",
    migrateStore,
  ],
  ["witness", "cosign checkpoints of other people's logs (C2SP tlog-witness)", witness],
  ["fsck", "recompute everything in the log's database, or in a backup of it, from its entries alone", fsck],
];
