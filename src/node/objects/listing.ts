// Reads one page of the objects in a bucket, as S3's ListObjectsV2 answers it.
import type { ListedObject } from "./object-store.ts";

export interface Listing {
  readonly objects: readonly ListedObject[];
  /** What asks for the next page, or null after the last one. */
  readonly next: string | null;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** What has no key or no time is left out. */
export function readListing(xml: string): Listing {
  const objects: ListedObject[] = [];
  for (const [, contents = ""] of xml.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
    const key = textOf(contents, "Key");
    const modified = new Date(textOf(contents, "LastModified") ?? "");
    if (key !== null && !Number.isNaN(modified.getTime())) objects.push({ key, modified });
  }
  const isTruncated = textOf(xml, "IsTruncated") === "true";
  return { objects, next: isTruncated ? textOf(xml, "NextContinuationToken") : null };
}

function textOf(xml: string, element: string): string | null {
  const text = new RegExp(`<${element}>([^<]*)</${element}>`).exec(xml)?.[1];
  return text?.replace(/&(#x?[0-9a-fA-F]{1,6}|[a-z]{2,4});/g, decodeEntity) ?? null;
}

function decodeEntity(whole: string, name: string): string {
  if (!name.startsWith("#")) return ENTITIES[name] ?? whole;
  const code = name.startsWith("#x") ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
  return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
}
