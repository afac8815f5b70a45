// Exports touchstone/testing: synthetic evidence for testing an integration, every signature valid under made-up vendors.
// Production trust roots can never accept any of it: the keys of its roots are made anew each time and belong to nobody.

export type { TcbStatus } from "../verifier/tdx/collateral.ts";
export {
  EV_EFI_ACTION,
  EV_EFI_BOOT_SERVICES_APPLICATION,
  EV_EFI_VARIABLE_DRIVER_CONFIG,
  EV_EVENT_TAG,
  EV_PLATFORM_CONFIG_FLAGS,
  EV_SEPARATOR,
} from "../verifier/tdx/event-type.ts";
export { type Certified, type KeyPair, makeCrl, makeKeyPair, privateKeyPem } from "./authority.ts";
export {
  bootEvents,
  type DstackLogForm,
  type MeasuredEvent,
  makeCcel,
  makeDstackLog,
  measured,
  replayEvents,
  runtimeEvent,
} from "./event-log.ts";
export { GOOD_BLOCKS, type GpuOptions, type SyntheticGpu } from "./gpu.ts";
export {
  makeBlocks,
  makeGoldenTables,
  makeGpuReport,
  makeOpaque,
  OPAQUE,
  type OpaqueField,
  type OpaqueLayout,
  type ReportFields,
} from "./gpu-report.ts";
export {
  type CollateralFields,
  type IntelAuthority,
  makeCollateral,
  makeIntelAuthority,
  makePckCertificate,
  type QeIdentityDocument,
  type SgxPlatform,
  type TcbInfoDocument,
} from "./intel.ts";
export {
  encodeEvidence,
  type Machine,
  type MachineOptions,
  makeMachine,
  makeVendors,
  type Vendors,
  WHOLE_BOARD,
} from "./machine.ts";
export {
  type GpuIdentity,
  makeGpuIdentity,
  makeNvidiaAuthority,
  makeNvidiaCrls,
  type NvidiaAuthority,
} from "./nvidia.ts";
export { makeOcspError, makeOcspResponse, makeOcspSigner, type OcspFields } from "./ocsp.ts";
export { makeEvidenceCertificate, makeRaTlsCertificate, type RaTlsFields, wrapEvidence } from "./ra-tls.ts";
export type { Tampering } from "./remake.ts";
export { makeRim, makeRimAuthority, type RimAuthority, type RimFields } from "./rim.ts";
export type { SwitchOptions, SyntheticSwitch } from "./switch.ts";
export { TAMPERINGS, type TamperingName, tamper } from "./tampering.ts";
export {
  defaultBody,
  defaultPlatform,
  defaultQeIdentity,
  defaultQeReport,
  defaultTcbInfo,
  type SyntheticTdxOptions,
  tcbLevel,
} from "./tdx-defaults.ts";
export {
  type ExtendedBody,
  makeTdxQuote,
  type QeReport,
  type QuoteFields,
  type QuoteForm,
  type QuoteSigner,
  type TdBody,
} from "./tdx-quote.ts";
