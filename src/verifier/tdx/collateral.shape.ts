// Reads what collateral.schema.ts describes. Generated from it by `npm run generate`; do not edit.
import { time } from "../../protocol/entry/fields.shape.ts";
import { converted, list, object, oneOf, openObject, withDefault } from "../../protocol/shape/containers.ts";
import {
  atLeast,
  atMost,
  exactly,
  from,
  matching,
  safeInteger,
  string,
  upTo,
} from "../../protocol/shape/scalars.ts";
import type { Shape } from "../../protocol/shape/shape.ts";
import { HEX_TEXT, toLowerCase } from "../hex-text.ts";
import { dateOf, svnOf } from "./collateral-fields.ts";

/** Intel PCS v4 collateral for one quote */
export type TdxCollateral = {
  /** The signed JSON object as text, byte for byte */
  tcbInfo: string;
  /** ECDSA P-256 over tcbInfo, r‖s, hex */
  tcbInfoSignature: string;
  /** PEM: TCB signing certificate, root */
  tcbInfoIssuerChain: string;
  /** The signed JSON object as text, byte for byte */
  qeIdentity: string;
  /** ECDSA P-256 over qeIdentity, r‖s, hex */
  qeIdentitySignature: string;
  /** PEM: TCB signing certificate, root */
  qeIdentityIssuerChain: string;
  /** DER, hex; issued by the first certificate of pckCrlIssuerChain */
  pckCrl: string;
  /** PEM: PCK Platform or Processor CA, root */
  pckCrlIssuerChain: string;
  /** DER, hex; issued by the root */
  rootCaCrl: string;
};

export const tdxCollateral = object<TdxCollateral>({
  tcbInfo: string(atMost(262144)),
  tcbInfoSignature: converted(string(atLeast(128), atMost(128), matching(HEX_TEXT)), toLowerCase),
  tcbInfoIssuerChain: string(atMost(32768)),
  qeIdentity: string(atMost(262144)),
  qeIdentitySignature: converted(string(atLeast(128), atMost(128), matching(HEX_TEXT)), toLowerCase),
  qeIdentityIssuerChain: string(atMost(32768)),
  pckCrl: converted(string(atLeast(0), atMost(524288), matching(HEX_TEXT)), toLowerCase),
  pckCrlIssuerChain: string(atMost(32768)),
  rootCaCrl: converted(string(atLeast(0), atMost(65536), matching(HEX_TEXT)), toLowerCase),
});

export type TcbStatus =
  | "UpToDate"
  | "SWHardeningNeeded"
  | "ConfigurationNeeded"
  | "ConfigurationAndSWHardeningNeeded"
  | "OutOfDate"
  | "OutOfDateConfigurationNeeded"
  | "Revoked";

export const tcbStatus: Shape<TcbStatus> = oneOf(
  "UpToDate",
  "SWHardeningNeeded",
  "ConfigurationNeeded",
  "ConfigurationAndSWHardeningNeeded",
  "OutOfDate",
  "OutOfDateConfigurationNeeded",
  "Revoked",
);

export type TcbInfo = {
  id: "TDX";
  version: 3;
  issueDate: Date;
  nextUpdate: Date;
  tcbEvaluationDataNumber: number;
  fmspc: string;
  pceId: string;
  tcbType: 0;
  tdxModule: {
    mrsigner: string;
    attributes: string;
    attributesMask: string;
  };
  tdxModuleIdentities: {
    id: string;
    mrsigner: string;
    attributes: string;
    attributesMask: string;
    tcbLevels: {
      tcb: {
        isvsvn: number;
      };
      tcbDate: Date;
      tcbStatus: TcbStatus;
      advisoryIDs: string[];
    }[];
  }[];
  tcbLevels: {
    tcb: {
      sgxtcbcomponents: number[];
      pcesvn: number;
      tdxtcbcomponents: number[];
    };
    tcbDate: Date;
    tcbStatus: TcbStatus;
    advisoryIDs: string[];
  }[];
};

export const tcbInfo = openObject<TcbInfo>({
  id: oneOf("TDX"),
  version: oneOf(3),
  issueDate: converted(time, dateOf),
  nextUpdate: converted(time, dateOf),
  tcbEvaluationDataNumber: safeInteger(from(1)),
  fmspc: converted(string(atLeast(12), atMost(12), matching(HEX_TEXT)), toLowerCase),
  pceId: converted(string(atLeast(4), atMost(4), matching(HEX_TEXT)), toLowerCase),
  tcbType: oneOf(0),
  tdxModule: openObject({
    mrsigner: converted(string(atLeast(96), atMost(96), matching(HEX_TEXT)), toLowerCase),
    attributes: converted(string(atLeast(16), atMost(16), matching(HEX_TEXT)), toLowerCase),
    attributesMask: converted(string(atLeast(16), atMost(16), matching(HEX_TEXT)), toLowerCase),
  }),
  tdxModuleIdentities: withDefault(
    list(
      openObject({
        id: string(atMost(32)),
        mrsigner: converted(string(atLeast(96), atMost(96), matching(HEX_TEXT)), toLowerCase),
        attributes: converted(string(atLeast(16), atMost(16), matching(HEX_TEXT)), toLowerCase),
        attributesMask: converted(string(atLeast(16), atMost(16), matching(HEX_TEXT)), toLowerCase),
        tcbLevels: list(
          openObject({
            tcb: openObject({
              isvsvn: safeInteger(from(0), upTo(65535)),
            }),
            tcbDate: converted(time, dateOf),
            tcbStatus,
            advisoryIDs: withDefault(list(string(atMost(64)), atMost(256)), []),
          }),
          atLeast(1),
          atMost(64),
        ),
      }),
      atMost(64),
    ),
    [],
  ),
  tcbLevels: list(
    openObject({
      tcb: openObject({
        sgxtcbcomponents: list(
          converted(
            openObject({
              svn: safeInteger(from(0), upTo(255)),
            }),
            svnOf,
          ),
          exactly(16),
        ),
        pcesvn: safeInteger(from(0), upTo(65535)),
        tdxtcbcomponents: list(
          converted(
            openObject({
              svn: safeInteger(from(0), upTo(255)),
            }),
            svnOf,
          ),
          exactly(16),
        ),
      }),
      tcbDate: converted(time, dateOf),
      tcbStatus,
      advisoryIDs: withDefault(list(string(atMost(64)), atMost(256)), []),
    }),
    atLeast(1),
    atMost(128),
  ),
});

export type QeIdentity = {
  id: "TD_QE";
  version: 2;
  issueDate: Date;
  nextUpdate: Date;
  tcbEvaluationDataNumber: number;
  miscselect: string;
  miscselectMask: string;
  attributes: string;
  attributesMask: string;
  mrsigner: string;
  isvprodid: number;
  tcbLevels: {
    tcb: {
      isvsvn: number;
    };
    tcbDate: Date;
    tcbStatus: TcbStatus;
    advisoryIDs: string[];
  }[];
};

export const qeIdentity = openObject<QeIdentity>({
  id: oneOf("TD_QE"),
  version: oneOf(2),
  issueDate: converted(time, dateOf),
  nextUpdate: converted(time, dateOf),
  tcbEvaluationDataNumber: safeInteger(from(1)),
  miscselect: converted(string(atLeast(8), atMost(8), matching(HEX_TEXT)), toLowerCase),
  miscselectMask: converted(string(atLeast(8), atMost(8), matching(HEX_TEXT)), toLowerCase),
  attributes: converted(string(atLeast(32), atMost(32), matching(HEX_TEXT)), toLowerCase),
  attributesMask: converted(string(atLeast(32), atMost(32), matching(HEX_TEXT)), toLowerCase),
  mrsigner: converted(string(atLeast(64), atMost(64), matching(HEX_TEXT)), toLowerCase),
  isvprodid: safeInteger(from(0), upTo(65535)),
  tcbLevels: list(
    openObject({
      tcb: openObject({
        isvsvn: safeInteger(from(0), upTo(65535)),
      }),
      tcbDate: converted(time, dateOf),
      tcbStatus,
      advisoryIDs: withDefault(list(string(atMost(64)), atMost(256)), []),
    }),
    atLeast(1),
    atMost(64),
  ),
});
