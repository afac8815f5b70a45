// Loads pkcs11js, which calls PKCS #11 libraries. It is compiled when it is installed, so that only who keeps a key in a token installs it.
import { createRequire } from "node:module";
import { SignerError } from "../signer.ts";

/** A slot, session or object of the library. */
export type Handle = Buffer;

export interface TokenInfo {
  readonly label: string;
  readonly manufacturerID: string;
  readonly model: string;
  readonly serialNumber: string;
  readonly flags: number;
}

/** As much of pkcs11js 2 as signing takes; every method throws where the library returns anything but CKR_OK. */
export interface Cryptoki {
  load(path: string): void;
  C_Initialize(options: { flags: number }): void;
  C_GetSlotList(tokenPresent: boolean): Handle[];
  C_GetTokenInfo(slot: Handle): TokenInfo;
  C_OpenSession(slot: Handle, flags: number): Handle;
  C_CloseSession(session: Handle): void;
  C_Login(session: Handle, userType: number, pin: string): void;
  C_FindObjectsInit(session: Handle, template: readonly Attribute[]): void;
  C_FindObjects(session: Handle, most: number): Handle[];
  C_FindObjectsFinal(session: Handle): void;
  C_GetAttributeValue(
    session: Handle,
    object: Handle,
    template: readonly { type: number }[],
  ): { value: Buffer }[];
  C_SignInit(session: Handle, mechanism: { mechanism: number; parameter: null }, key: Handle): void;
  C_SignAsync(session: Handle, message: Buffer, signature: Buffer): Promise<Buffer>;
}

export interface Attribute {
  readonly type: number;
  readonly value: number | string | Buffer;
}

export type LoadPkcs11 = () => { readonly PKCS11: new () => Cryptoki };

/** @throws SignerError that says how to install it. */
export const loadPkcs11js: LoadPkcs11 = () => {
  try {
    return createRequire(import.meta.url)("pkcs11js") as ReturnType<LoadPkcs11>;
  } catch {
    throw new SignerError(
      "pkcs11",
      "pkcs11js is not installed, or was not compiled: npm install pkcs11js@2.1.7 beside touchstone, with a C++ compiler, make and Python 3",
    );
  }
};
