// Reads PKCS #11 URIs (RFC 7512) that name one private key of a token. A PIN is never in one: pin-source=env:NAME says where it is.
import { MalformedError } from "../../../protocol/errors.ts";

const FORMAT = "PKCS #11 URI";
const MAX_URI = 2048;
/** What RFC 7512 §2.3 lets stand unescaped, and what is escaped. */
const ATTRIBUTE = /^([a-z-]{1,32})=((?:[A-Za-z0-9\-._~:[\]@!$'()*+,=/&]|%[0-9A-Fa-f]{2})+)$/;
const TOKEN_ATTRIBUTES = ["token", "manufacturer", "model", "serial"] as const;
const PATH_ATTRIBUTES = [...TOKEN_ATTRIBUTES, "slot-id", "object", "id", "type"] as const;
const QUERY_ATTRIBUTES = ["module-path", "pin-source"] as const;
const PIN_SOURCE = /^env:([A-Za-z_][A-Za-z0-9_]*)$/;

export type TokenAttribute = (typeof TOKEN_ATTRIBUTES)[number];

export interface KeyUri {
  /** What the token must say of itself. */
  readonly token: Readonly<Partial<Record<TokenAttribute, string>>>;
  readonly slotId: number | undefined;
  /** CKA_LABEL and CKA_ID of the key; at least one of them is given. */
  readonly label: string | undefined;
  readonly id: Uint8Array | undefined;
  /** Path of the PKCS #11 library. */
  readonly modulePath: string;
  /** Environment variable that holds the PIN. */
  readonly pinVariable: string | undefined;
}

/** @throws MalformedError for every attribute that is not known, twice or empty, and for a PIN; it repeats no value. */
export function parseKeyUri(uri: string): KeyUri {
  if (uri.length > MAX_URI || !uri.startsWith("pkcs11:"))
    throw new MalformedError(FORMAT, "expected pkcs11:…");
  const [path = "", query = "", ...more] = uri.slice("pkcs11:".length).split("?");
  if (more.length > 0) throw new MalformedError(FORMAT, "it has two question marks");
  const where = attributesOf(path, ";", PATH_ATTRIBUTES);
  const how = attributesOf(query, "&", QUERY_ATTRIBUTES);
  if (where.has("type") && textOf(where.get("type")) !== "private")
    throw new MalformedError(FORMAT, "type must be private: a private key signs");
  if (!where.has("object") && !where.has("id"))
    throw new MalformedError(FORMAT, "it names no key: give object=LABEL or id=%01…");
  const modulePath = textOf(how.get("module-path"));
  if (modulePath === undefined)
    throw new MalformedError(FORMAT, "give the library: …?module-path=/usr/lib/softhsm/libsofthsm2.so");
  return {
    token: Object.fromEntries(
      TOKEN_ATTRIBUTES.flatMap((name) => (where.has(name) ? [[name, textOf(where.get(name))]] : [])),
    ),
    slotId: slotIdOf(textOf(where.get("slot-id"))),
    label: textOf(where.get("object")),
    id: where.get("id"),
    modulePath,
    pinVariable: pinVariableOf(textOf(how.get("pin-source"))),
  };
}

function attributesOf(text: string, separator: string, known: readonly string[]): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  for (const attribute of text === "" ? [] : text.split(separator)) {
    const [, name, value] = ATTRIBUTE.exec(attribute) ?? [];
    if (attribute.startsWith("pin-value"))
      throw new MalformedError(
        FORMAT,
        "a PIN is never in it: put it in a variable, and give pin-source=env:NAME",
      );
    if (name === undefined || value === undefined)
      throw new MalformedError(FORMAT, `attribute ${found.size + 1} is no name=value`);
    if (!known.includes(name))
      throw new MalformedError(FORMAT, `${name} is not understood: ${known.join(", ")}`);
    if (found.has(name)) throw new MalformedError(FORMAT, `${name} is given twice`);
    found.set(name, decodePercent(value));
  }
  return found;
}

function decodePercent(text: string): Uint8Array {
  const latin1 = text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return new Uint8Array(Buffer.from(latin1, "latin1"));
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && new TextDecoder().decode(bytes);
}

function slotIdOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[0-9]{1,10}$/.test(text)) throw new MalformedError(FORMAT, "slot-id must be a number");
  return Number(text);
}

function pinVariableOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const variable = PIN_SOURCE.exec(text)?.[1];
  if (variable === undefined)
    throw new MalformedError(FORMAT, "pin-source must be env: and the name of a variable that holds the PIN");
  return variable;
}
