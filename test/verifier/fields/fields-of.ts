// Names every field of each kind of evidence. Binary kinds are named by their layout, byte for byte and apart from the parsers that are
// under test; JSON and XML by what stands in the text.

import { childElements, parseXml } from "../../../src/publisher/rim/parse-xml.ts";
import { SGX_EXTENSION } from "../../../src/verifier/tdx/sgx-extension.ts";
import { type DerElement, derIdentifier, derSequence, readDer } from "../../../src/verifier/x509/der.ts";
import { distinct, type Field, Layout, namesIn } from "./layout.ts";

/** A TDX quote of version 4 or 5 with the report of its quoting enclave. */
export function fieldsOfQuote(bytes: Uint8Array): Field[] {
  const quote = new Layout(bytes, "quote");
  const version = quote.integer("version", 2);
  quote.take({ "header.attestationKeyType": 2, "header.teeType": 4, "header.reserved": 4 });
  quote.take({ "header.qeVendorId": 16, "header.userData": 20 });
  const bodyType = version === 4 ? 2 : quote.integer("bodyType", 2);
  if (version === 5) quote.take({ bodySize: 4 });
  quote.take(inside("body", TDX_1_0));
  if (bodyType > 2) quote.take(inside("body", TDX_1_5));
  if (bodyType > 3) quote.take(inside("extended", EXTENDED));
  quote.take({ signatureDataSize: 4, signature: 64, attestationKey: 64 });
  quote.take({ certificationType: 2, certificationSize: 4 });
  quote.take(inside("qeReport", QE_REPORT));
  quote.take({ qeReportSignature: 64 });
  quote.take({ authData: quote.integer("authDataSize", 2) });
  quote.take({ pckChainType: 2 });
  quote.take({ pckChainPem: quote.integer("pckChainSize", 4) });
  quote.take({ trailingBytes: quote.rest });
  return quote.fields;
}

const inside = (name: string, lengths: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(lengths).map(([field, length]) => [`${name}.${field}`, length]));

const TDX_1_0 = {
  ...{ teeTcbSvn: 16, mrSeam: 48, mrSignerSeam: 48, seamAttributes: 8, tdAttributes: 8, xfam: 8, mrtd: 48 },
  ...{ mrConfigId: 48, mrOwner: 48, mrOwnerConfig: 48, rtmr0: 48, rtmr1: 48, rtmr2: 48, rtmr3: 48 },
  reportData: 64,
};
const TDX_1_5 = { teeTcbSvn2: 16, mrServiceTd: 48 };
const EXTENDED = {
  ...{ vmId: 1, tdId: 32, deviceInfo: 48, initialServiceTdHash: 48, initialServiceTdAttributes: 8 },
  ...{ initialCpuSvn: 16, initialTeeTcbSvn: 16, initialFmspc: 12 },
  ...{ currentServiceTdHash: 48, currentServiceTdAttributes: 8 },
};
const QE_REPORT = {
  ...{ cpuSvn: 16, miscSelect: 4, reserved1: 28, attributes: 16, mrEnclave: 32, reserved2: 32, mrSigner: 32 },
  ...{ reserved3: 96, isvProdId: 2, isvSvn: 2, reserved4: 60, reportData: 64 },
};

/** A report: request, response, opaque data by the number of each field, signature. */
export function fieldsOfReport(bytes: Uint8Array, prefix = "report"): Field[] {
  const report = new Layout(bytes, prefix);
  report.take(inside("request", { version: 1, code: 1, attributes: 1, operation: 1, nonce: 32, slot: 1 }));
  report.take(inside("response", { version: 1, code: 1, parameters: 2 }));
  const blocks = report.integer("response.blockCount", 1);
  report.take({ "response.recordSize": 3 });
  const block = { index: 1, specification: 1, size: 2, valueType: 1, valueSize: 2, value: 48 };
  for (let i = 0; i < blocks; i++) report.take(inside("blocks[]", block));
  report.take({ responderNonce: 32 });
  const end = report.integer("opaqueSize", 2);
  const limit = report.rest - end;
  if (String.fromCharCode(...bytes.subarray(-report.rest).subarray(0, 6)) === "NVDAOD")
    return newerOpaque(report, limit);
  while (report.rest > limit) {
    const type = report.integer("opaque[].type", 2);
    report.take({ [`opaque[].${type}`]: report.integer("opaque[].size", 2) });
  }
  report.take({ signature: 96, trailingBytes: report.rest - 96 });
  return report.fields;
}

/** Opaque data with a header is a kind of its own; its values are the report's. */
function newerOpaque(report: Layout, limit: number): Field[] {
  const own = new Map<string, string>();
  const named = (name: string) => {
    own.set(`report.${name}`, `nvdaod.${name}`);
    return name;
  };
  report.take({ [named("magic")]: 6, [named("profile")]: 2, [named("major")]: 1, [named("minor")]: 1 });
  report.take({ [named("patch")]: 1, [named("padding")]: 1 });
  while (report.rest > limit) {
    const type = report.integer(named("entries[].type"), 2);
    report.take({ [named("entries[].valueType")]: 2 });
    const size = report.integer(named("entries[].size"), 2);
    report.take({ [type === 37 ? named("entries[].svn") : `opaque[].${type}`]: size });
  }
  report.take({ signature: 96, trailingBytes: report.rest - 96 });
  return report.fields.map((field) => ({ ...field, name: own.get(field.name) ?? field.name }));
}

/** The SGX extension of a PCK certificate: the values, each by what follows the extension's own identifier. */
export function fieldsOfSgxExtension(bytes: Uint8Array): Field[] {
  const values = (element: DerElement): Field[] =>
    derSequence(element).flatMap((pair) => {
      const [identifier, value] = derSequence(pair) as [DerElement, DerElement];
      const name = derIdentifier(identifier).slice(SGX_EXTENSION.length + 1);
      return value.tag === 0x30 ? values(value) : [placeOf(`pck.${name}`, value.content, bytes)];
    });
  return values(readDer(bytes));
}

/** A document of JSON text: the names in it, whatever a schema makes of them. */
export function namesOfJson(text: string, name: string): string[] {
  return namesIn(JSON.parse(text), name);
}

/** A successful basic OCSP response (RFC 6960 §4.2.1). */
export function fieldsOfOcsp(bytes: Uint8Array): Field[] {
  const [status, inner] = derSequence(readDer(bytes)) as [DerElement, DerElement];
  const [type, octets] = derSequence(readDer(inner.content)) as [DerElement, DerElement];
  const [data, algorithm, signature, certificates] = derSequence(readDer(octets.content)) as DerElement[];
  const parts = derSequence(data!);
  const version = parts[0]?.tag === 0xa0 ? parts.shift() : undefined;
  const [responder, producedAt, responses, extensions] = parts as DerElement[];
  const named: Array<[string, DerElement | undefined]> = [
    ["responseStatus", status],
    ["responseType", type],
    ["version", version],
    ["responderId", responder],
    ["producedAt", producedAt],
    ...derSequence(responses!).flatMap(partsOfAnswer),
    ["extensions", extensions],
    ["signatureAlgorithm", algorithm],
    ["signature", signature],
    ["certificates[]", certificates],
  ];
  return placesOf("ocsp", named, bytes);
}

function partsOfAnswer(response: DerElement): Array<[string, DerElement | undefined]> {
  const [id, status, thisUpdate, ...optional] = derSequence(response) as DerElement[];
  const next = optional[0]?.tag === 0xa0 ? optional.shift() : undefined;
  const [algorithm, nameHash, keyHash, serial] = derSequence(id!);
  return [
    ["responses[].certId.hashAlgorithm", algorithm],
    ["responses[].certId.issuerNameHash", nameHash],
    ["responses[].certId.issuerKeyHash", keyHash],
    ["responses[].certId.serialNumber", serial],
    ["responses[].certStatus", status],
    ["responses[].thisUpdate", thisUpdate],
    ["responses[].nextUpdate", next],
    ["responses[].extensions", optional[0]],
  ];
}

/** An X.509 certificate (RFC 5280 §4.1). */
export function fieldsOfCertificate(bytes: Uint8Array): Field[] {
  const [signed, algorithm, signature] = derSequence(readDer(bytes)) as [DerElement, DerElement, DerElement];
  const [version, serial, inner, issuer, validity, subject, spki, extensions] = derSequence(signed);
  const [notBefore, notAfter] = derSequence(validity!);
  const named: Array<[string, DerElement | undefined]> = [
    ["version", version],
    ["serialNumber", serial],
    ["signature", inner],
    ["issuer", issuer],
    ["notBefore", notBefore],
    ["notAfter", notAfter],
    ["subject", subject],
    ["spki", spki],
    ...derSequence(readDer(extensions!.content)).flatMap(partsOfExtension),
    ["signatureAlgorithm", algorithm],
    ["signatureValue", signature],
  ];
  return placesOf("certificate", named, bytes);
}

const EVIDENCE = "1.3.6.1.5.5.7.1.35";

function partsOfExtension(extension: DerElement): Array<[string, DerElement | undefined]> {
  const [identifier, ...rest] = derSequence(extension) as [DerElement, ...DerElement[]];
  const name = derIdentifier(identifier) === EVIDENCE ? "evidence" : "otherExtensions[]";
  const [value, critical] = rest.reverse();
  return [
    [`${name}.identifier`, identifier],
    [`${name}.critical`, critical],
    [`${name}.value`, value],
  ];
}

function placesOf(
  kind: string,
  named: ReadonlyArray<readonly [string, DerElement | undefined]>,
  bytes: Uint8Array,
): Field[] {
  return named.flatMap(([name, element]) =>
    element === undefined ? [] : [placeOf(`${kind}.${name}`, element.raw, bytes)],
  );
}

function placeOf(name: string, part: Uint8Array, whole: Uint8Array): Field {
  const start = part.byteOffset - whole.byteOffset;
  return { name, start, end: start + part.length };
}

/** The event log of a CCEL table. */
export function fieldsOfCcel(bytes: Uint8Array): Field[] {
  const log = new Layout(bytes, "ccel");
  log.take(inside("specId", { register: 4, type: 4, digest: 20, size: 4, signature: 16, platform: 8 }));
  log.take(inside("specId", { algorithmCount: 4, algorithm: 2, digestSize: 2 }));
  log.take({ "specId.vendorInfo": log.integer("specId.vendorInfoSize", 1) });
  const isPadding = () => bytes.subarray(bytes.length - log.rest).every((byte, _, rest) => byte === rest[0]);
  while (log.rest > 0 && !isPadding()) {
    log.take(inside("events[]", { register: 4, type: 4, digestCount: 4, algorithm: 2, digest: 48 }));
    log.take({ "events[].data": log.integer("events[].size", 4) });
  }
  log.take({ padding: log.rest });
  return log.fields;
}

/** Attributes and texts of a RIM file, by the path of their element. Its hashes are numbered, and named as one. */
export function namesOfRim(bytes: Uint8Array): string[] {
  const visit = (element: Parameters<typeof childElements>[0], path: string): string[] => {
    const attributes = [...element.attributes].filter(({ name }) => !name.startsWith("xmlns"));
    const children = childElements(element);
    return [
      ...attributes.map(({ localName }) => `${path}@${localName?.replace(/^Hash\d+$/, "Hash")}`),
      ...(children.length === 0 && element.textContent !== "" ? [path] : []),
      ...children.flatMap((child) => visit(child, `${path}.${child.localName}`)),
    ];
  };
  return distinct(visit(parseXml(bytes), "rim"));
}
