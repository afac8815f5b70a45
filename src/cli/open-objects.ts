// Opens the bucket that a configuration names.
import type { S3Store } from "../node/objects/s3-store.ts";
import { readKeyText } from "../node/signing/key-source.ts";
import type { ObjectsConfig } from "../service/config.ts";
import type { CliContext } from "./context.ts";

/** @param signal ends what is under way, and all that comes after. @throws MalformedError where a key cannot be read. */
export async function openObjects(
  { accessKey, secretKey, endpoint, bucket, prefix, region }: ObjectsConfig,
  { environment, warn, fetch, now }: Pick<CliContext, "environment" | "warn" | "fetch" | "now">,
  signal?: AbortSignal,
): Promise<S3Store> {
  const { S3Store } = await import("../node/objects/s3-store.ts");
  const read = (source: string) => readKeyText(source, environment, warn).text.trim();
  return new S3Store({
    endpoint,
    bucket,
    prefix,
    region,
    accessKey: read(accessKey),
    secretKey: read(secretKey),
    fetch,
    clock: now,
    ...(signal && { signal }),
  });
}
