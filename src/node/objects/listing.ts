// Reads one page of the objects in a bucket, as S3's ListObjectsV2 answers it.
import type { ListedObject } from "./object-store.ts";

export interface Listing {
  readonly objects: readonly ListedObject[];
  /** What asks for the next page, or null after the last one. */
  readonly next: string | null;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** What has no key or no time is left out. Takes time in proportion to the text, whatever is in it. */
export function readListing(xml: string): Listing {
  const [about = "", ...parts] = xml.split("<Contents>");
  const objects: ListedObject[] = [];
  // What stands behind the last object belongs to the page.
  let rest = about;
  for (const part of parts) {
    const [contents = "", after = ""] = part.split("</Contents>", 2);
    rest += after;
    const key = textOf(contents, "Key");
    const modified = new Date(textOf(contents, "LastModified") ?? "");
    if (key !== null && !Number.isNaN(modified.getTime())) objects.push({ key, modified });
  }
  const isTruncated = textOf(rest, "IsTruncated") === "true";
  return { objects, next: isTruncated ? textOf(rest, "NextContinuationToken") : null };
}

function textOf(xml: string, element: string): string | null {
  const start = xml.indexOf(`<${element}>`);
  const end = xml.indexOf(`</${element}>`, start);
  if (start < 0 || end < 0) return null;
  const text = xml.slice(start + element.length + 2, end);
  return text.replace(/&(#x?[0-9a-fA-F]{1,6}|[a-z]{2,4});/g, decodeEntity);
}

function decodeEntity(whole: string, name: string): string {
  if (!name.startsWith("#")) return ENTITIES[name] ?? whole;
  const code = name.startsWith("#x") ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
  return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
}
