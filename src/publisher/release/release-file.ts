// Reads the release file: one strict TOML file that names the artefacts of a release, the keys, the log and the policy to draft. Errors
// name the table and key that is wrong; secrets are named by file or environment variable, and nothing of [keys] is ever repeated.
import { dirname, resolve } from "node:path";
import * as z from "zod";
import { absoluteSource } from "../../node/signing/signer-source.ts";
import { name, positive } from "../../protocol/entry/fields.shape.ts";
import { RELEASE_KINDS, type ReleaseKind } from "../../protocol/entry/release-kinds.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { reference } from "../describe/table-fields.ts";
import { parseToml } from "../parse-toml.ts";
import { raisedFloor, requirements } from "../policy/requirements.shape.ts";
import { zodOf } from "../zod-of.ts";
import {
  artefactTables,
  type DescribedTable,
  pathFrom,
  releaseFields,
  statementTable,
  TABLE_NAME,
} from "./artefact-table.ts";

const FORMAT = "release file";
/** Names of files that a release folder holds beside one for each table. */
const RESERVED = ["policy", "plan", "summary"];
const ENVIRONMENT = /^env:([A-Za-z_][A-Za-z0-9_]*)$/;

const keySource = z
  .string({ error: "expected the path of a key, env:NAME, cmd:, ssh-agent: or pkcs11:" })
  .max(2048, { error: "expected the path of a key or env:NAME, not the key" })
  .refine((source) => !source.includes("\n") && !source.includes("PRIVATE KEY"), {
    error: "expected the path of a key or env:NAME, not the key itself",
  });
const keySources = z.union([keySource.transform((one) => [one]), z.array(keySource).min(1).max(8)], {
  error: "expected the path of a key or env:NAME, or a list of them, and never the key itself",
});

function policySection(path: ReturnType<typeof pathFrom>) {
  return z.strictObject({
    name: zodOf(name),
    /** Id of its one profile; the policy's name unless given. */
    profile: zodOf(name).exactOptional(),
    /** How long a new version is in force. */
    days: zodOf(positive),
    requirements: z.union([path, zodOf(requirements)], {
      error: "expected a TOML or JSON file that exists, or a table of tdx, gpu and binding",
    }),
    svnFloor: zodOf(raisedFloor).default({}),
    osImage: reference.exactOptional(),
    gspFirmware: reference.exactOptional(),
    gpuRims: z.array(reference).min(1).exactOptional(),
    switchRims: z.array(reference).exactOptional(),
    platforms: z.array(reference).min(1).exactOptional(),
  });
}
export type PolicySection = z.infer<ReturnType<typeof policySection>>;

const frame = z.strictObject({
  log: z.unknown(),
  release: z.unknown().optional(),
  keys: z.unknown().optional(),
  artefacts: z.record(z.string(), z.record(z.string(), z.unknown())),
  policy: z.unknown().optional(),
});

/** An artefact to describe, or a statement of it that another build step wrote. */
export type Artefact =
  | { readonly table: string; readonly described: DescribedTable }
  | { readonly table: string; readonly kind: ReleaseKind; readonly statement: string };

export interface ReleaseFile {
  readonly log: { readonly url: string; readonly trust: string };
  /** Fields of [release]; a table's own win. */
  readonly release: z.infer<z.ZodObject<ReturnType<typeof releaseFields>>>;
  readonly keys: { readonly publisher?: readonly string[]; readonly policy?: readonly string[] };
  readonly artefacts: readonly Artefact[];
  readonly policy: PolicySection | null;
}

export interface ReleaseFileOptions {
  /** Paths in the file are relative to its folder. */
  readonly file: string;
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  /** Whether the artefacts must be here: not where another machine has prepared the release. */
  readonly artefactsMustExist: boolean;
}

/**
 * Reads a release file. A text outside [keys] that is `env:NAME` stands for that environment variable.
 * @throws MalformedError naming the table and key.
 */
export function parseReleaseFile(toml: string, options: ReleaseFileOptions): ReleaseFile {
  const folder = dirname(resolve(options.file));
  const path = pathFrom(folder, options.artefactsMustExist);
  const { keys, ...rest } = parseToml(toml, FORMAT);
  const raw = check(frame, {
    ...(fillIn(rest, options.environment, "") as object),
    ...(keys === undefined ? {} : { keys }),
  });
  const existing = pathFrom(folder, true);
  const log = z.strictObject({ url: z.url({ protocol: /^https?$/ }), trust: existing });
  const keysSection = z.strictObject({
    publisher: keySources.exactOptional(),
    policy: keySources.exactOptional(),
  });
  const tables = Object.entries(raw.artefacts);
  if (tables.length === 0) throw new MalformedError(FORMAT, "names no artefact", "artefacts");
  return {
    log: check(log, raw.log, "log"),
    release: check(z.strictObject(releaseFields(path)), raw.release ?? {}, "release"),
    keys: absoluteKeys(check(keysSection, raw.keys ?? {}, "keys"), folder),
    artefacts: tables.map(([table, value]) => readTable(table, value, path)),
    policy: raw.policy === undefined ? null : check(policySection(path), raw.policy, "policy"),
  };
}

function readTable(
  table: string,
  value: Readonly<Record<string, unknown>>,
  path: ReturnType<typeof pathFrom>,
): Artefact {
  const at = `artefacts.${table}`;
  if (!TABLE_NAME.test(table) || RESERVED.includes(table))
    throw new MalformedError(
      FORMAT,
      "a table is named with a-z, 0-9 and -, and not policy, plan or summary",
      at,
    );
  const kind = check(z.enum(RELEASE_KINDS), value.kind, `${at}.kind`);
  if ("statement" in value) {
    const { statement } = check(statementTable(path), value, at);
    return { table, kind, statement };
  }
  const schema = artefactTables(path)[kind];
  if (schema === undefined)
    throw new MalformedError(FORMAT, `a ${kind} is not described: name its statement`, `${at}.kind`);
  return { table, described: check<DescribedTable>(schema, value, at) };
}

function absoluteKeys<T extends Record<string, string[] | undefined>>(keys: T, folder: string): T {
  const absolute = (role: string, source: string) => {
    try {
      return absoluteSource(source, folder);
    } catch (error) {
      throw error instanceof MalformedError
        ? new MalformedError(FORMAT, error.detail, `keys.${role}`)
        : error;
    }
  };
  return Object.fromEntries(
    Object.entries(keys).map(([role, sources]) => [role, sources?.map((source) => absolute(role, source))]),
  ) as T;
}

function fillIn(value: unknown, environment: Readonly<NodeJS.ProcessEnv>, at: string): unknown {
  if (Array.isArray(value)) return value.map((item, i) => fillIn(item, environment, `${at}.${i}`));
  if (value !== null && typeof value === "object" && !(value instanceof Date)) {
    const inside = (key: string) => (at === "" ? key : `${at}.${key}`);
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [key, fillIn(member, environment, inside(key))]),
    );
  }
  const variable = typeof value === "string" ? ENVIRONMENT.exec(value)?.[1] : undefined;
  if (variable === undefined) return value;
  const text = environment[variable];
  if (text === undefined) throw new MalformedError(FORMAT, `environment variable ${variable} is not set`, at);
  return text;
}

function check<T>(schema: z.ZodType<T>, value: unknown, at = ""): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const where = [at, ...(issue?.path ?? []).map(String)].filter((part) => part !== "").join(".");
  throw new MalformedError(FORMAT, issue?.message ?? "not valid", where === "" ? undefined : where);
}
