// Listings of a bucket come from whoever owns it: they are read exactly, cut off anywhere, and made to last for ever by nobody.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readListing } from "../../src/node/objects/listing.ts";

const escapeXml = (text: string) =>
  text.replace(/[&<>"']/g, (c) => `&${{ "&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos" }[c]};`);
const contentsOf = (key: string, time: string) =>
  `<Contents><Key>${key}</Key><LastModified>${time}</LastModified><Size>1</Size></Contents>`;
const page = (contents: string, next: string | null) =>
  `<?xml version="1.0"?><ListBucketResult><Name>b</Name><Prefix>p/</Prefix>${contents}<IsTruncated>${next !== null}</IsTruncated>${next === null ? "" : `<NextContinuationToken>${next}</NextContinuationToken>`}</ListBucketResult>`;

describe("a listing", () => {
  it("is read as it was written, whatever is in keys and tokens", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.string({ minLength: 1 }),
            fc.date({ noInvalidDate: true, min: new Date(0), max: new Date("9999-01-01") }),
          ),
        ),
        fc.option(fc.string()),
        (objects, next) => {
          const contents = objects
            .map(([key, time]) => contentsOf(escapeXml(key), time.toISOString()))
            .join("");
          expect(readListing(page(contents, next && escapeXml(next)))).toEqual({
            objects: objects.map(([key, modified]) => ({ key, modified })),
            next,
          });
        },
      ),
    );
  });

  it("may have what says that there is more in front of the objects, as some servers write it", () => {
    const xml = `<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>a&#43;b&#x3d;</NextContinuationToken>${contentsOf("k", "2026-11-28T00:00:00.000Z")}</ListBucketResult>`;
    expect(readListing(xml)).toEqual({
      objects: [{ key: "k", modified: new Date("2026-11-28") }],
      next: "a+b=",
    });
  });

  it("is a beginning of itself wherever it is cut", () => {
    const whole = page(
      contentsOf("a", "2026-11-28T00:00:00Z") + contentsOf("b", "2026-11-28T00:00:00Z"),
      "next",
    );
    const all = readListing(whole).objects;
    for (let length = 0; length <= whole.length; length++) {
      const { objects } = readListing(whole.slice(0, length));
      expect(objects).toEqual(all.slice(0, objects.length));
    }
  });

  it.each(["<Contents>", "<Contents><Key>", "<Key></Contents>", "<Contents></Contents>", "&#x110000;", "\0"])(
    "of %j again and again names nothing",
    (text) => {
      expect(readListing(text.repeat(200_000))).toEqual({ objects: [], next: null });
    },
  );

  it("leaves out what has no time", () => {
    expect(readListing(page(contentsOf("a", "yesterday"), null)).objects).toEqual([]);
  });
});
