// Reads a witness' configuration: one strict TOML file. Secrets are named here, by file or environment variable, and never written.
import { dirname, resolve } from "node:path";
import { stringify } from "smol-toml";
import * as z from "zod";
import { parseConfigToml, readConfig } from "../node/config-toml.ts";

const path = z.string().min(1).max(4096);

const config = z.strictObject({
  listen: z.strictObject({
    host: z.string().min(1).max(255).default("127.0.0.1"),
    port: z.int().min(0).max(65_535),
  }),
  /** What was cosigned. It is never restored from a copy: an old one would let the witness cosign a fork. */
  database: path,
  /** Note keys, each the path of a file or `env:NAME`: an Ed25519 cosigner key, one of ML-DSA-44, or both. */
  keys: z.array(path).min(1).max(8),
  /** Files with lists of logs, in the format of the public witness network. */
  logs: z.array(path).min(1).max(64),
  limits: z
    .strictObject({
      /** Requests that one client address may make in a minute. */
      requestsPerMinute: z.int().min(1).max(10_000_000).default(6000),
      /** Checkpoints that a log may have cosigned in a day, where its list does not say. */
      checkpointsPerDay: z.int().min(1).max(1_000_000_000).default(172_800),
      /** Proxies in front of the witness that append to X-Forwarded-For; 0 takes the address of the connection. */
      trustedProxies: z.int().min(0).max(16).default(0),
    })
    .prefault({}),
  /** What goes to standard output. info has a line for each request of a log. */
  logLevel: z.enum(["silent", "error", "warn", "info", "debug"]).default("info"),
});
/** Paths are absolute, defaults are filled in. */
export type WitnessServiceConfig = z.infer<typeof config>;
export type WitnessConfigInput = z.input<typeof config>;

/**
 * Reads a configuration.
 * @param file its path: paths in it are relative to its folder.
 * @throws MalformedError naming the line or the member that is wrong.
 */
export function parseWitnessConfig(toml: string, file: string): WitnessServiceConfig {
  const read = readConfig(config, parseConfigToml(toml));
  const folder = dirname(resolve(file));
  const absolute = (source: string) => (source.startsWith("env:") ? source : resolve(folder, source));
  const { database, keys, logs } = read;
  return {
    ...read,
    database: resolve(folder, database),
    keys: keys.map(absolute),
    logs: logs.map((list) => resolve(folder, list)),
  };
}

/** Writes a configuration as `touchstone witness init` leaves it. */
export function formatWitnessConfig(input: WitnessConfigInput): string {
  config.parse(input);
  return `# Touchstone witness. Paths are relative to this file. docs/witness.md explains every value.\n${stringify(input)}\n`;
}
