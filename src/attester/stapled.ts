// Defines what is fetched from the vendors before anybody asks, and stapled to evidence.
import type { TdxCollateral } from "../verifier/tdx/collateral.ts";
import type { Revocation } from "./evidence-document.ts";
import type { CollectedDevice } from "./forms/device-evidence.ts";

export interface Stapled {
  readonly collateral: TdxCollateral;
  readonly revocationOf: (device: CollectedDevice) => Revocation;
}
