// Writes one element in Canonical XML 1.1, without comments. In our profile it equals 1.0, which the library has: they differ in xml:*
// attributes only.
import type { Element } from "@xmldom/xmldom";
import { C14nCanonicalization } from "xml-crypto";
import { utf8 } from "../../protocol/encoding/text.ts";

/** The canonical bytes of an element of a document that parseXml accepted, with the namespaces that its ancestors declare. */
export function canonicalXml(element: Element): Uint8Array {
  const ancestorNamespaces = [...inheritedNamespaces(element)].map(([prefix, namespaceURI]) => ({
    prefix,
    namespaceURI,
  }));
  // The library is typed for a browser's DOM; it reads only what both have.
  const node = element as unknown as Node;
  return utf8(new C14nCanonicalization().process(node, { ancestorNamespaces }));
}

/** Prefix ("" for the default) → namespace; the nearest ancestor wins. */
function inheritedNamespaces(element: Element): Map<string, string> {
  const found = new Map<string, string>();
  for (
    let node = element.parentNode;
    node !== null && node.nodeType === node.ELEMENT_NODE;
    node = node.parentNode
  ) {
    for (const { name, prefix, localName, value } of (node as Element).attributes) {
      const declared = name === "xmlns" ? "" : prefix === "xmlns" ? localName : null;
      if (declared !== null && !found.has(declared)) found.set(declared, value);
    }
  }
  return found;
}
