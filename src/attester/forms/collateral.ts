// Puts Intel's collateral for one quote together, from what people have: collateral.json, the JSON of dcap-qvl, or answers of a PCCS.
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { utf8 } from "../../protocol/encoding/text.ts";
import { parseJson } from "../../protocol/envelope/parse-json.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { COLLATERAL, parseTdxCollateral, type TdxCollateral } from "../../verifier/tdx/collateral.ts";
import { pathsOf } from "../vendors/pccs-paths.ts";
import type { Platform } from "../vendors/platform.ts";
import { type CollateralPiece, piecesOf, type SignedName } from "./collateral-pieces.ts";
import { isJson } from "./encoded.ts";
import type { SavedAnswer } from "./saved-answer.ts";

const ROOT_CA = "Intel SGX Root CA";
const TCB_SIGNING = "Intel SGX TCB Signing";
const MAX_WHOLE_BYTES = 1024 * 1024;
const ID: Readonly<Record<SignedName, string>> = { tcbInfo: "TDX", enclaveIdentity: "TD_QE" };

/**
 * Of several documents of one kind the newest is taken. Whether they are genuine is for the verifier to say.
 * @param answers at least one; one that is whole collateral stands alone.
 * @throws MalformedError that says what is missing and where a PCCS has it, or names the answer that is something else.
 */
export function collateralFrom(answers: readonly SavedAnswer[], platform: Platform): TdxCollateral {
  const whole = answers.flatMap(({ body }) => readWhole(body) ?? []);
  const [first] = whole;
  if (first !== undefined) {
    if (answers.length === 1) return first;
    throw new MalformedError(COLLATERAL.format, "give whole collateral, or the answers of a PCCS, not both");
  }
  return select(answers.flatMap(piecesOf), platform);
}

/** collateral.json, or the same members in snake_case as dcap-qvl writes them; null for anything else. */
function readWhole(body: Uint8Array): TdxCollateral | null {
  if (!isJson(body)) return null;
  const value = parseJson(body, MAX_WHOLE_BYTES);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  if (COLLATERAL.names.some((name) => name in value && name !== "tcbInfo")) return parseTdxCollateral(body);
  if (!("tcb_info" in value)) return null;
  const renamed = COLLATERAL.names.map((name) => [name, value[snakeCase(name)]] as const);
  return parseTdxCollateral(utf8(JSON.stringify(Object.fromEntries(renamed))));
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function select(pieces: readonly CollateralPiece[], platform: Platform): TdxCollateral {
  const paths = pathsOf(platform);
  const signed = (what: SignedName, fmspc: string) =>
    newest(pieces, (piece) => piece.what === what && piece.id === ID[what] && piece.fmspc === fmspc);
  const crl = (issuer: string) => newest(pieces, (piece) => piece.what === "crl" && piece.issuer === issuer);
  const chain = (leaf: string) => newest(pieces, (piece) => piece.what === "chain" && piece.leaf === leaf);
  const tcbInfo = signed("tcbInfo", platform.fmspc);
  const identity = signed("enclaveIdentity", "");
  const signing = chain(TCB_SIGNING);
  const [rootCrl, pckCrl, pckChain] = [crl(ROOT_CA), crl(platform.pckIssuer), chain(platform.pckIssuer)];
  if (tcbInfo?.what !== "tcbInfo") throw missing(`TCB Info of FMSPC ${platform.fmspc}`, paths.tcbInfo);
  if (identity?.what !== "enclaveIdentity")
    throw missing("the identity of the TD quoting enclave", paths.qeIdentity);
  if (signing?.what !== "chain")
    throw missing(`the chain of "${TCB_SIGNING}"`, `${paths.tcbInfo}, its headers`);
  if (pckCrl?.what !== "crl") throw missing(`the CRL of "${platform.pckIssuer}"`, paths.pckCrl);
  if (pckChain?.what !== "chain")
    throw missing(`the chain of "${platform.pckIssuer}"`, `${paths.pckCrl}, its headers`);
  if (rootCrl?.what !== "crl") throw missing(`the CRL of "${ROOT_CA}"`, paths.rootCaCrl);
  return parseTdxCollateral(
    JSON.stringify({
      tcbInfo: tcbInfo.text,
      tcbInfoSignature: tcbInfo.signature,
      tcbInfoIssuerChain: signing.pem,
      qeIdentity: identity.text,
      qeIdentitySignature: identity.signature,
      qeIdentityIssuerChain: signing.pem,
      pckCrl: encodeHex(pckCrl.der),
      pckCrlIssuerChain: pckChain.pem,
      rootCaCrl: encodeHex(rootCrl.der),
    }),
  );
}

function newest(
  pieces: readonly CollateralPiece[],
  wanted: (piece: CollateralPiece) => boolean,
): CollateralPiece | undefined {
  return pieces.filter(wanted).toSorted((a, b) => b.at - a.at)[0];
}

function missing(what: string, where: string): MalformedError {
  return new MalformedError(COLLATERAL.format, `${what} is missing; a PCCS answers it at /${where}`);
}
