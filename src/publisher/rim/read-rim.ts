// Reads the contents of a RIM: a SWID tag (ISO/IEC 19770-2:2015) with TCG RIM metadata, whose payload states one measurement for each
// resource.
import type { Element } from "@xmldom/xmldom";
import { type GoldenTable, goldenTable } from "../../protocol/entry/golden-table.shape.ts";
import { FIRST_OPAQUE_INDEX } from "../../protocol/entry/golden-table.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { attributeOf, childElements, isElement } from "./parse-xml.ts";

const FORMAT = "RIM";
const SWID = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd";
const RIM =
  "https://trustedcomputinggroup.org/resource/tcg-reference-integrity-manifest-rim-information-model/";
const SHA384 = "http://www.w3.org/2001/04/xmlenc#sha384";
const OPAQUE_DATA = "https://docs.nvidia.com/attestation/specs/latest/opaque-data.html";
const DRIVER_VERSION = /^[0-9]{3}\.[0-9]{1,3}(?:\.[0-9]{1,3})?$/;
const VBIOS_VERSION = /^[0-9A-F]{2}(?:\.[0-9A-F]{2}){4}$/;

export interface RimContent {
  readonly tagId: string;
  readonly kind: "driver" | "vbios";
  /** Driver or VBIOS version, as the GPU reports it. */
  readonly colloquialVersion: string;
  /** Chip, such as "GH100", as all three places that name it agree. */
  readonly product: string;
  /** How many measurements the RIM has, active or not. */
  readonly resources: number;
  /** The active measurements by rising index: inactive ones say nothing, so they are no part of the table or its digest. */
  readonly table: GoldenTable;
}

/** Reads the signed content of a RIM. @throws MalformedError */
export function readRim(root: Element): RimContent {
  if (!isElement(root, SWID, "SoftwareIdentity")) throw new MalformedError(FORMAT, "not a SoftwareIdentity");
  const meta = onlyChild(root, "Meta");
  const payload = onlyChild(root, "Payload");
  const product = attributeOf(meta, "product");
  if (attributeOf(root, "name") !== product || attributeOf(meta, "PlatformModel", RIM) !== product) {
    throw new MalformedError(FORMAT, "name, product and PlatformModel differ");
  }
  const colloquialVersion = attributeOf(meta, "colloquialVersion");
  const rows = childElements(payload)
    .map(readResource)
    .sort((a, b) => a.index - b.index);
  const table = goldenTable.safeParse(rows);
  if (table.error) throw new MalformedError(FORMAT, table.error.issues[0]?.message ?? "not a golden table");
  return {
    tagId: attributeOf(root, "tagId"),
    kind: kindOf(colloquialVersion),
    colloquialVersion,
    product,
    resources: rows.length,
    table: table.data.filter(({ active }) => active),
  };
}

function onlyChild(root: Element, name: string): Element {
  const [child, ...others] = childElements(root).filter((element) => isElement(element, SWID, name));
  if (child !== undefined && others.length === 0) return child;
  throw new MalformedError(FORMAT, `expected one ${name}`);
}

/** A RIM does not say what it covers; the two kinds of version cannot be mistaken for each other. */
function kindOf(version: string): "driver" | "vbios" {
  if (DRIVER_VERSION.test(version)) return "driver";
  if (VBIOS_VERSION.test(version)) return "vbios";
  throw new MalformedError(FORMAT, "colloquialVersion is neither a driver's nor a VBIOS's");
}

function readResource(resource: Element): GoldenTable[number] {
  if (!isElement(resource, SWID, "Resource") || attributeOf(resource, "type") !== "Measurement") {
    throw new MalformedError(FORMAT, "the payload holds something other than measurements");
  }
  const row = { index: decimal(resource, "index"), active: isActive(attributeOf(resource, "active")) };
  if (row.index >= FIRST_OPAQUE_INDEX) return { ...row, minSvn: row.active ? floorOf(resource) : 0 };
  const count = decimal(resource, "alternatives");
  const hashes = attributesIn(resource, SHA384);
  if (
    decimal(resource, "size") !== 48 ||
    hashes.length !== count ||
    attributesIn(resource, OPAQUE_DATA).length > 0
  )
    throw new MalformedError(FORMAT, "a measurement does not have the hashes it announces");
  return { ...row, alternatives: hashes.map((_, i) => attributeOf(resource, `Hash${i}`, SHA384)) };
}

/** The one kind of value that there is for opaque data: a floor for a security version number. */
function floorOf(resource: Element): number {
  if (attributesIn(resource, SHA384).length === 0) return decimal(resource, "minSvn", OPAQUE_DATA);
  throw new MalformedError(FORMAT, "a record of opaque data has a hash");
}

function attributesIn(element: Element, namespace: string) {
  return [...element.attributes].filter(({ namespaceURI }) => namespaceURI === namespace);
}

function decimal(element: Element, name: string, namespace?: string): number {
  const value = attributeOf(element, name, namespace);
  if (!/^(?:0|[1-9][0-9]{0,14})$/.test(value)) throw new MalformedError(FORMAT, `${name} is not a number`);
  return Number(value);
}

function isActive(value: string): boolean {
  if (value === "True" || value === "False") return value === "True";
  throw new MalformedError(FORMAT, "active is neither True nor False");
}
