// Reads the service's configuration: one strict TOML file, a few values of which the environment may override. Secrets are named here, by
// file or environment variable, and never written.
import { dirname, join, resolve } from "node:path";
import { stringify } from "smol-toml";
import * as z from "zod";
import { isSchemaName } from "../log/store/store-location.ts";
import { parseConfigToml, readConfig } from "../node/config-toml.ts";
import { absoluteSource } from "../node/signing/signer-source.ts";
import { holdsPrivateKey } from "../protocol/encoding/private-key-text.ts";
import { MalformedError } from "../protocol/errors.ts";

const port = z.int().min(0).max(65_535);
const path = z.string().min(1).max(4096);

/** fetch refuses a URL with a user name or a password, and its message would show them. */
const url = z
  .url({ protocol: /^https?$/ })
  .refine((text) => !URL.canParse(text) || (new URL(text).username === "" && new URL(text).password === ""), {
    error: "a user name or a password stands in the URL",
  });

/** Where a secret stands: the path of a file, or `env:NAME` for an environment variable. The secret itself is never in here. */
const secret = path;
const databaseUrl = secret.refine((text) => !text.includes("://"), {
  error: "the URL itself stands there: give the path of a file that has it, or env:NAME",
});

/** A bucket of S3-compatible storage. */
const objects = z.strictObject({
  /** Where the storage is reached; the bucket becomes a part of the path. */
  endpoint: url.refine((text) => !/[?#]/.test(text), { error: "a query or a fragment stands in the URL" }),
  bucket: z
    .string()
    .max(63)
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$/),
  /** In front of every key: parts that each end with a slash, or nothing. */
  prefix: z
    .string()
    .max(255)
    .regex(/^(?:(?!\.{1,2}\/)[A-Za-z0-9._-]+\/)*$/)
    .default(""),
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/)
    .default("us-east-1"),
  accessKey: secret,
  secretKey: secret,
  /** Whether the service keeps a static copy of the log there. */
  export: z.boolean().default(false),
});

/** What a configuration says only of PostgreSQL. */
const POSTGRES_ONLY = ["schema", "reader", "replication"] as const;

const storage = z
  .strictObject({
    /** The file of a SQLite database. */
    database: path.optional(),
    /** The URL of a PostgreSQL database, which may have a password in it. */
    postgres: databaseUrl.optional(),
    /** The schema of the log in it; called after the origin unless given. */
    schema: z
      .string()
      .refine(isSchemaName, { error: "expected the name of a schema: a-z, 0-9 and _, at most 63" })
      .optional(),
    /** The URL of replicas, from which who does not lead reads. */
    reader: databaseUrl.optional(),
    /** Whether a server is refused that names no synchronous standby. */
    replication: z.enum(["required", "warn"]).optional(),
    /** Outside of every backup: it is what notices that a backup was put back. */
    highWater: z.union([path, z.array(path).min(1).max(4)]),
    /**
     * The index, which this process alone keeps where the trust root says that there is one; beside the database, or the high-water file,
     * unless given. Named here it is built before a trust root says so.
     */
    index: path.optional(),
    /** A bucket in which a copy of the log is kept. */
    objects: objects.optional(),
  })
  .refine(({ database, postgres }) => (database === undefined) !== (postgres === undefined), {
    error: "expected either database, the file of a SQLite database, or postgres",
  })
  .refine(
    (given) => given.postgres !== undefined || POSTGRES_ONLY.every((name) => given[name] === undefined),
    {
      error: `${POSTGRES_ONLY.join(", ")} belong to postgres`,
    },
  );

/** Several processes that serve one log. */
const cluster = z
  .strictObject({
    /** Names this process among them. */
    id: z.string().min(1).max(64),
    /** Where the others reach what is forwarded to this process. */
    advertise: url.optional(),
    /** Where it listens for that. */
    listen: z.strictObject({ host: z.string().min(1).max(255).default("127.0.0.1"), port }).optional(),
    /** Seconds for which a leader that is not heard of is waited for. */
    lease: z.number().min(0.5).max(60).default(5),
    /** Seconds without the database after which nothing is answered as current. */
    staleAfter: z.number().min(1).max(60).default(10),
    /** What the processes know of each other. */
    secret: secret.optional(),
    /** What they show each other, PEM: only who has a certificate of `ca` is connected to, and let in. */
    tls: z.strictObject({ certificate: secret, key: secret, ca: secret }).optional(),
  })
  .refine(
    ({ advertise, tls }) => advertise === undefined || /^https:/i.test(advertise) === (tls !== undefined),
    {
      path: ["advertise"],
      error: "expected a URL with https: where there is cluster.tls, and with http: where there is none",
    },
  );

const limits = z.strictObject({
  /** Writing requests that one client address may make in a minute. */
  writesPerMinute: z.int().min(1).max(10_000_000).default(6000),
  /** Entries that may be under way at once; beyond it writers are told to come back. */
  maxPendingEntries: z.int().min(1).max(1_000_000).default(4096),
  /** Seconds after which a request is given up. */
  requestTimeout: z.int().min(1).max(3600).default(60),
  /** Proxies in front of the service that append to X-Forwarded-For; 0 takes the address of the connection. */
  trustedProxies: z.int().min(0).max(16).default(0),
});

/** Who runs the log, as its pages say it; nothing checks it. */
const operator = z.strictObject({
  name: z.string().min(1).max(128).optional(),
  url: url.optional(),
  /** How people reach the operator: an address, a number, a room. */
  contact: z.string().min(1).max(256).optional(),
  /** Where faults that concern security go: a mailto: or https: URI, as RFC 9116 wants it. */
  security: z
    .string()
    .max(256)
    .regex(/^(?:mailto:|https:\/\/)[^\s<>"]+$/)
    .optional(),
});

const config = z.strictObject({
  /** Origin line of the log's checkpoints. It never changes. */
  origin: z.string().min(1).max(255),
  /** Where clients reach the service. */
  url,
  listen: z.strictObject({ host: z.string().min(1).max(255).default("127.0.0.1"), port }),
  storage,
  keys: z.strictObject({
    /** Signs checkpoints. Go note form, `PRIVATE+KEY+…`; or what keeps an Ed25519 key elsewhere: `cmd:…`, `pkcs11:…`. */
    log: secret,
    /** Signs checkpoints beside it, with ML-DSA-44, where the trust root names this key too. */
    logMlDsa44: secret.optional(),
    /** The log's own cosigner, where the trust root names it as a witness. */
    cosigner: secret.optional(),
    /** Signs statuses, where the trust root gives an online key that role. PKCS #8 PEM, or what keeps the key elsewhere. */
    status: secret.optional(),
    /** Signs receipts and views, where the trust root lists it in `receiptKeys`. As `status`. */
    receipt: secret.optional(),
  }),
  /** Where witnesses are reached, by the name that the trust root's tlog-policy gives them, instead of at the URL that it gives. */
  witnesses: z
    .array(z.strictObject({ name: z.string().min(1).max(255), url }))
    .max(64)
    .default([]),
  operator: operator.prefault({}),
  cluster: cluster.optional(),
  identities: z
    .strictObject({
      /** Minutes between asking the providers of the trust root's identities for their keys; 0 never asks. */
      checkMinutes: z.int().min(0).max(10_080).default(0),
    })
    .prefault({}),
  limits: limits.prefault({}),
  /** What goes to standard output. info has a line for each request but those for tiles, checkpoints, proofs and bundles. */
  logLevel: z.enum(["silent", "error", "warn", "info", "debug"]).default("info"),
});
type Parsed = z.infer<typeof config>;
/** Paths are absolute, defaults are filled in, and the high-water marks are a list. */
export type Config = Omit<Parsed, "storage"> & {
  readonly storage: Omit<Parsed["storage"], "highWater"> & { readonly highWater: readonly string[] };
};
export type ObjectsConfig = z.infer<typeof objects>;
export type ConfigInput = z.input<typeof config>;

/** Environment variables that override the file, and where in it. */
const OVERRIDES: Readonly<Record<string, readonly [section: "listen" | "storage" | "", key: string]>> = {
  TOUCHSTONE_URL: ["", "url"],
  TOUCHSTONE_LOG_LEVEL: ["", "logLevel"],
  TOUCHSTONE_HOST: ["listen", "host"],
  TOUCHSTONE_PORT: ["listen", "port"],
  TOUCHSTONE_DATABASE: ["storage", "database"],
  TOUCHSTONE_HIGH_WATER: ["storage", "highWater"],
  TOUCHSTONE_INDEX: ["storage", "index"],
};

/**
 * Reads a configuration.
 * @param file its path: paths in it are relative to its folder.
 * @throws MalformedError naming the line or the member that is wrong.
 */
export function parseConfig(toml: string, file: string, environment: Readonly<NodeJS.ProcessEnv>): Config {
  const read = readConfig(config, override(parseConfigToml(toml), environment));
  return withAbsolutePaths(read, dirname(resolve(file)));
}

function override(
  file: Record<string, unknown>,
  environment: Readonly<NodeJS.ProcessEnv>,
): Record<string, unknown> {
  const merged = { ...file };
  for (const [variable, [section, key]] of Object.entries(OVERRIDES)) {
    const text = environment[variable];
    if (text === undefined) continue;
    if (holdsPrivateKey(text))
      throw new MalformedError("configuration", `the environment variable ${variable} holds a private key`);
    const value = key === "port" && /^\d{1,5}$/.test(text) ? Number(text) : text;
    if (section === "") merged[key] = value;
    else merged[section] = { ...(merged[section] as object), [key]: value };
  }
  return merged;
}

function withAbsolutePaths(parsed: Parsed, folder: string): Config {
  const absolute = (source: string) => absoluteSource(source, folder);
  const { log, logMlDsa44, cosigner, status, receipt } = parsed.keys;
  const { database, postgres, reader, highWater, index, objects, ...rest } = parsed.storage;
  return {
    ...parsed,
    storage: {
      ...rest,
      ...(database && { database: resolve(folder, database) }),
      ...(postgres && { postgres: absolute(postgres) }),
      ...(reader && { reader: absolute(reader) }),
      highWater: [highWater].flat().map((place) => (isInBucket(place) ? place : resolve(folder, place))),
      ...(objects && {
        objects: {
          ...objects,
          accessKey: absolute(objects.accessKey),
          secretKey: absolute(objects.secretKey),
        },
      }),
      ...(index && { index: resolve(folder, index) }),
    },
    ...(parsed.cluster && { cluster: withAbsoluteSources(parsed.cluster, absolute) }),
    keys: {
      log: absolute(log),
      ...(logMlDsa44 && { logMlDsa44: absolute(logMlDsa44) }),
      ...(cosigner && { cosigner: absolute(cosigner) }),
      ...(status && { status: absolute(status) }),
      ...(receipt && { receipt: absolute(receipt) }),
    },
  };
}

function withAbsoluteSources(
  { secret, tls, ...rest }: NonNullable<Parsed["cluster"]>,
  absolute: (source: string) => string,
): Config["cluster"] {
  return {
    ...rest,
    ...(secret !== undefined && { secret: absolute(secret) }),
    ...(tls && {
      tls: { certificate: absolute(tls.certificate), key: absolute(tls.key), ca: absolute(tls.ca) },
    }),
  };
}

/** Where the index is kept, and whether that was said. */
export function indexOf({ database, highWater, index }: Config["storage"]): {
  readonly file: string;
  readonly ahead: boolean;
} {
  const file =
    index ?? join(dirname(database ?? highWater.find((place) => !isInBucket(place)) ?? "."), "index.db");
  return { file, ahead: index !== undefined };
}

/** Whether a high-water mark is an object of the bucket, which others can reach, and no file of this machine. */
export function isInBucket(place: string): boolean {
  return place.startsWith(BUCKET_FORM);
}

/** What stands in front of the key of a mark in the bucket. */
export const BUCKET_FORM = "s3:";

/** Writes a configuration as `touchstone init` leaves it. */
export function formatConfig(input: ConfigInput): string {
  config.parse(input);
  return `# Touchstone log service. Paths are relative to this file. docs/operating.md explains every value.\n${stringify(input)}\n`;
}
