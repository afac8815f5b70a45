// Finds the credentials for a registry in docker's config.json. Programs that hold credentials are not run.
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { decodeBase64 } from "../../protocol/encoding/base64.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { member } from "./json-member.ts";

const FORMAT = "docker's config.json";
const MAX_BYTES = 1_048_576;
/** Docker's own registry is listed by another name than it has. */
const DOCKER_HUB = "registry-1.docker.io";
const DOCKER_HUB_KEY = "https://index.docker.io/v1/";

/** The header that a registry takes, "Basic …"; null where the file has none, or there is no file. Errors repeat nothing of it. */
export function credentialsFor(
  registry: string,
  environment: Readonly<Record<string, string | undefined>>,
): string | null {
  const path = join(environment.DOCKER_CONFIG ?? join(homedir(), ".docker"), "config.json");
  const config = readConfig(path);
  if (config === null) return null;
  const entry = member(member(config, "auths"), registry === DOCKER_HUB ? DOCKER_HUB_KEY : registry);
  const auth = member(entry, "auth");
  if (typeof auth === "string" && auth !== "") return basic(auth);
  const helper = member(member(config, "credHelpers"), registry) ?? member(config, "credsStore");
  if (typeof helper === "string")
    throw new MalformedError(
      FORMAT,
      `the credentials for ${registry} are kept by docker-credential-${helper}, which is not run here: log in to a config.json of your own, and set DOCKER_CONFIG to its folder`,
    );
  return null;
}

function readConfig(path: string): unknown {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    return null;
  }
  if (bytes.length > MAX_BYTES) throw new MalformedError(FORMAT, "too large");
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    throw new MalformedError(FORMAT, `${path} is not JSON`);
  }
}

/** Checked before it goes into a header: a user name, a colon, a password. */
function basic(auth: string): string {
  try {
    if (!decodeUtf8(decodeBase64(auth)).includes(":")) throw new Error();
  } catch {
    throw new MalformedError(FORMAT, "an `auth` is not base64 of USER:PASSWORD");
  }
  return `Basic ${auth}`;
}
