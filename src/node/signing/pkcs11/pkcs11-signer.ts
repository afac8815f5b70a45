// Signs by a token behind PKCS #11: a hardware security module, a smart card, a service of a cloud. The private key stays in it.
import { createHash } from "node:crypto";
import type { SignatureAlgorithm } from "../../../protocol/cryptography/signature.ts";
import { MalformedError } from "../../../protocol/errors.ts";
import { type Signer, SignerError, verifiedSigner } from "../signer.ts";
import { type Cryptoki, type Handle, type LoadPkcs11, loadPkcs11js } from "./pkcs11js.ts";
import { findPrivateKey, findSlot, readPublicHalf, wantsPinEachTime } from "./token-key.ts";
import { type KeyUri, parseKeyUri } from "./uri.ts";

/** Signatures are made in threads of the pool. */
const CKF_OS_LOCKING_OK = 2;
const CKF_SERIAL_SESSION = 4;
const CKU_USER = 1;
const CKU_CONTEXT_SPECIFIC = 2;
const CKM_EDDSA = 0x1057;
const CKM_ECDSA = 0x1041;
const SIGNATURE_BYTES = 64;
/** Two keys of one token in one process: what is done already is no fault. */
const DONE_ALREADY = ["CKR_CRYPTOKI_ALREADY_INITIALIZED", "CKR_USER_ALREADY_LOGGED_IN"];

export interface TokenOptions {
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  readonly load?: LoadPkcs11;
}

/**
 * Signers of this process, by their key and its PIN: a log that cannot be started is tried again every few seconds, and a token has few
 * sessions. One that did not sign is opened anew.
 */
const OPENED = new Map<string, Signer>();
/** What was refused as the PIN of a token. */
const REFUSED_PINS = new Set<string>();

/**
 * Opens a session and logs in, once for all that asks: a PIN that is wrong is not tried again by this process, since a token locks itself.
 * @param uri RFC 7512, with module-path, and pin-source=env:NAME where the token wants a PIN.
 * @throws MalformedError for the URI; SignerError where library, token or key are not as it says.
 */
export async function pkcs11Signer(
  uri: string,
  { environment, load = loadPkcs11js }: TokenOptions,
): Promise<Signer> {
  const key = parseKeyUri(uri);
  const pin = pinOf(key.pinVariable, environment);
  const name = `${uri} ${pin ?? ""}`;
  const before = OPENED.get(name);
  if (before !== undefined) return before;
  const library = new (load().PKCS11)();
  const opened = naming(() => openKey(library, key, pin));
  const inTurn = oneAfterAnother();
  const signer = await verifiedSigner("pkcs11", opened.spki, (message, { algorithm }) =>
    inTurn(() => signWith(library, opened, algorithm, message)).catch((error: unknown) => {
      OPENED.delete(name);
      throw error;
    }),
  );
  OPENED.set(name, signer);
  return signer;
}

function openKey(library: Cryptoki, key: KeyUri, pin: string | undefined): OpenedKey & { spki: Uint8Array } {
  library.load(key.modulePath);
  unlessDone(() => library.C_Initialize({ flags: CKF_OS_LOCKING_OK }));
  const slot = findSlot(library, key);
  const session = library.C_OpenSession(slot, CKF_SERIAL_SESSION);
  try {
    if (pin !== undefined)
      onceOnly(`${key.modulePath} ${slot.toString("hex")} ${pin}`, () =>
        library.C_Login(session, CKU_USER, pin),
      );
    const privateKey = findPrivateKey(library, session, key);
    const eachTime = wantsPinEachTime(library, session, privateKey) ? pin : undefined;
    return { session, privateKey, eachTime, spki: readPublicHalf(library, session, key) };
  } catch (error) {
    library.C_CloseSession(session);
    throw error;
  }
}

function onceOnly(pin: string, login: () => void): void {
  if (REFUSED_PINS.has(pin))
    throw new SignerError(
      "pkcs11",
      "the token has refused this PIN, which is not tried again, since a token locks itself: give the right one, and start anew",
    );
  try {
    unlessDone(login);
  } catch (error) {
    if (error instanceof Error && error.message.includes("CKR_PIN_")) REFUSED_PINS.add(pin);
    throw error;
  }
}

function pinOf(variable: string | undefined, environment: TokenOptions["environment"]): string | undefined {
  if (variable === undefined) return undefined;
  const pin = environment[variable];
  if (pin === undefined || pin === "")
    throw new MalformedError(
      "signing key",
      `environment variable ${variable}, which holds the PIN, is not set`,
    );
  return pin;
}

interface OpenedKey {
  readonly session: Handle;
  readonly privateKey: Handle;
  /** The PIN, where the token wants it for each signature. */
  readonly eachTime: string | undefined;
}

/** Tokens differ in which hashes they make, and all of them sign one that is given; Ed25519 takes the message itself. */
async function signWith(
  library: Cryptoki,
  { session, privateKey, eachTime }: OpenedKey,
  algorithm: SignatureAlgorithm,
  message: Uint8Array,
): Promise<Uint8Array> {
  const ed25519 = algorithm === "ed25519";
  const input = ed25519 ? Buffer.from(message) : createHash("sha256").update(message).digest();
  const mechanism = { mechanism: ed25519 ? CKM_EDDSA : CKM_ECDSA, parameter: null };
  naming(() => {
    library.C_SignInit(session, mechanism, privateKey);
    if (eachTime !== undefined) library.C_Login(session, CKU_CONTEXT_SPECIFIC, eachTime);
  });
  const signature = await library
    .C_SignAsync(session, input, Buffer.alloc(SIGNATURE_BYTES))
    .catch((error: unknown) => Promise.reject(named(error)));
  return new Uint8Array(signature);
}

/** A session signs one message at a time. */
function oneAfterAnother(): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const next = last.then(task, task);
    last = next.catch(() => undefined);
    return next;
  };
}

function unlessDone(call: () => void): void {
  try {
    call();
  } catch (error) {
    if (!(error instanceof Error) || !DONE_ALREADY.some((code) => error.message.includes(code))) throw error;
  }
}

/** A library's errors are names such as CKR_PIN_INCORRECT, and hold nothing secret. */
function naming<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw named(error);
  }
}

function named(error: unknown): Error {
  if (error instanceof SignerError) return error;
  return new SignerError("pkcs11", error instanceof Error ? error.message : "the library failed");
}
