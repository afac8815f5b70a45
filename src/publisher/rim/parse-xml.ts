// Reads XML under a strict profile, for signed documents: printable ASCII elements, attributes and text, nothing that two readers could see
// differently. No DTD, entity, CDATA, comment, processing instruction, lone carriage return or xml:* attribute; limits on size, depth and
// count.
import { DOMParser, type Element, onWarningStopParsing } from "@xmldom/xmldom";
import { likeness } from "../../protocol/encoding/recognise.ts";
import { decodeUtf8, utf8 } from "../../protocol/encoding/text.ts";
import { MalformedError } from "../../protocol/errors.ts";

export const MAX_XML_BYTES = 1024 * 1024;
const FORMAT = "XML";
const MAX_DEPTH = 8;
const MAX_ELEMENTS = 1024;
const MAX_ATTRIBUTES = 80;
const PRINTABLE_ASCII = /^[\t\n\x20-\x7e]*$/;
const XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace";

/**
 * Parses a document of at most 1 MiB and returns its root element.
 * @throws MalformedError for anything outside the profile, whatever the XML library makes of it.
 */
export function parseXml(bytes: Uint8Array): Element {
  if (bytes.length > MAX_XML_BYTES) throw new MalformedError(FORMAT, `longer than ${MAX_XML_BYTES} bytes`);
  const text = readLines(decodeUtf8(bytes));
  if (!PRINTABLE_ASCII.test(text)) throw new MalformedError(FORMAT, "only printable ASCII is allowed");
  const foreign = /<[!?]|&/.exec(text);
  if (foreign !== null) {
    throw new MalformedError(
      FORMAT,
      "no DTD, comment, CDATA, instruction or entity is allowed",
      foreign.index,
    );
  }
  const root = parseText(text);
  let elements = 0;
  const visit = (element: Element, depth: number) => {
    if (depth > MAX_DEPTH) throw new MalformedError(FORMAT, `nested deeper than ${MAX_DEPTH}`);
    if (++elements > MAX_ELEMENTS) throw new MalformedError(FORMAT, `more than ${MAX_ELEMENTS} elements`);
    checkAttributes(element);
    for (const child of childElements(element)) visit(child, depth + 1);
  };
  visit(root, 1);
  return root;
}

/**
 * CRLF is one line feed to every XML reader, before anything is parsed or hashed (XML 1.0 §2.11), so a checkout on Windows keeps its
 * signature. A lone CR would be one as well, but nothing writes it, and it stays refused.
 */
function readLines(text: string): string {
  return text.replaceAll("\r\n", "\n");
}

function parseText(text: string): Element {
  try {
    const document = new DOMParser({ onError: onWarningStopParsing, locator: false }).parseFromString(
      text,
      "text/xml",
    );
    if (document.documentElement !== null) return document.documentElement;
  } catch {
    // Whatever it was, the text is not XML of this profile.
  }
  throw new MalformedError(FORMAT, `not well-formed${likeness(utf8(text), "xml")}`);
}

function checkAttributes(element: Element): void {
  if (element.attributes.length > MAX_ATTRIBUTES) throw new MalformedError(FORMAT, "too many attributes");
  for (const attribute of element.attributes) {
    if (
      attribute.prefix === "xml" ||
      attribute.namespaceURI === XML_NAMESPACE ||
      attribute.value === XML_NAMESPACE
    ) {
      throw new MalformedError(FORMAT, `attribute ${attribute.name} is not allowed`);
    }
  }
}

/** Child elements in order; text between them must be white space where there are any. */
export function childElements(element: Element): Element[] {
  const children: Element[] = [];
  let text = "";
  for (const node of element.childNodes) {
    if (node.nodeType === node.ELEMENT_NODE) children.push(node as Element);
    else if (node.nodeType === node.TEXT_NODE) text += node.nodeValue ?? "";
    else throw new MalformedError(FORMAT, `node type ${node.nodeType} is not allowed`);
  }
  if (children.length > 0 && text.trim() !== "") {
    throw new MalformedError(FORMAT, `text between the children of ${element.tagName}`);
  }
  return children;
}

/** The text of an element that has no child elements. */
export function textOf(element: Element): string {
  if (childElements(element).length > 0) throw new MalformedError(FORMAT, `${element.tagName} is not text`);
  return element.textContent ?? "";
}

/** An attribute's value. @param namespace null for an attribute without prefix. @throws MalformedError when it is absent. */
export function attributeOf(element: Element, name: string, namespace: string | null = null): string {
  const value = element.getAttributeNS(namespace, name);
  if (value === null) throw new MalformedError(FORMAT, `${element.tagName} lacks the attribute ${name}`);
  return value;
}

/** Whether an element has this expanded name. */
export function isElement(element: Element, namespace: string, name: string): boolean {
  return element.namespaceURI === namespace && element.localName === name;
}
