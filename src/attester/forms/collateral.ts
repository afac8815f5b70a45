// Puts Intel's collateral for one quote together, from what people have: collateral.json, the JSON of dcap-qvl, or answers of a PCCS.
import { encodeHex } from "../../protocol/encoding/hex.ts";
import { utf8 } from "../../protocol/encoding/text.ts";
import { parseJson } from "../../protocol/envelope/parse-json.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { COLLATERAL, parseTdxCollateral, type TdxCollateral } from "../../verifier/tdx/collateral.ts";
import { pathsOf } from "../vendors/pccs-paths.ts";
import type { Platform } from "../vendors/platform.ts";
import { type CollateralPiece, piecesOf } from "./collateral-pieces.ts";
import { isJson } from "./encoded.ts";
import type { SavedAnswer } from "./saved-answer.ts";

const ROOT_CA = "Intel SGX Root CA";
const TCB_SIGNING = "Intel SGX TCB Signing";
const MAX_WHOLE_BYTES = 1024 * 1024;

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
  // An answer of a PCCS has a tcbInfo, too, and none of the others.
  if (COLLATERAL.names.some((name) => name in value && name !== "tcbInfo")) return parseTdxCollateral(body);
  if (!("tcb_info" in value)) return null;
  const renamed = COLLATERAL.names.map((name) => [name, value[snakeCase(name)]] as const);
  return parseTdxCollateral(utf8(JSON.stringify(Object.fromEntries(renamed))));
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function select(pieces: readonly CollateralPiece[], { fmspc, pckIssuer }: Platform): TdxCollateral {
  const paths = pathsOf({ fmspc, pckIssuer });
  const find = finder(pieces);
  const tcbInfo = find("tcbInfo", `TDX ${fmspc}`, `TCB Info of FMSPC ${fmspc}`, paths.tcbInfo);
  const identity = find(
    "enclaveIdentity",
    "TD_QE",
    "the identity of the TD quoting enclave",
    paths.qeIdentity,
  );
  const signing = find(
    "chain",
    TCB_SIGNING,
    `the chain of "${TCB_SIGNING}"`,
    `${paths.tcbInfo}, its headers`,
  );
  const pckCrl = find("crl", pckIssuer, `the CRL of "${pckIssuer}"`, paths.pckCrl);
  const pckChain = find("chain", pckIssuer, `the chain of "${pckIssuer}"`, `${paths.pckCrl}, its headers`);
  const rootCrl = find("crl", ROOT_CA, `the CRL of "${ROOT_CA}"`, paths.rootCaCrl);
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

/** Finds the newest piece; what is missing is named with the path at which a PCCS has it. */
function finder(pieces: readonly CollateralPiece[]) {
  return <What extends CollateralPiece["what"]>(what: What, about: string, name: string, path: string) => {
    type Piece = Extract<CollateralPiece, { what: What }>;
    const found = pieces.filter((piece) => piece.what === what && piece.about === about) as Piece[];
    const [newest] = found.toSorted((a, b) => b.at - a.at);
    if (newest !== undefined) return newest;
    throw new MalformedError(COLLATERAL.format, `${name} is missing; a PCCS answers it at /${path}`);
  };
}
