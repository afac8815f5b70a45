// Says which measurements an entry states: what a machine's registers, firmware and driver must show, each with the part that it is of.
// Part of the map function of docs/formats.md ("Index"): what a kind states may not change once a log has entries of it.
import type { Kind, Predicate } from "../entry/kinds.ts";

/** What a measurement is of. Registers are 48 bytes, RIMs are named by the SHA-256 of their file or table, versions are texts. */
export const MEASURED_PARTS = {
  mrtd: /^[0-9a-f]{96}$/,
  rtmr0: /^[0-9a-f]{96}$/,
  rtmr1: /^[0-9a-f]{96}$/,
  rtmr2: /^[0-9a-f]{96}$/,
  rim: /^[0-9a-f]{64}$/,
  "rim-table": /^[0-9a-f]{64}$/,
  vbios: /^[^\p{Control}a-z]{1,64}$/u,
  driver: /^[^\p{Control}]{1,64}$/u,
} as const;
type MeasuredPart = keyof typeof MEASURED_PARTS;

const stated = (part: MeasuredPart, ...values: string[]): string[] =>
  values.map((value) => `${part}/${value}`);

/** Tools write the hexadecimal in a VBIOS version in either case, and mean the same. */
export const vbiosVersion = (version: string): string => version.replace(/[a-z]/g, (c) => c.toUpperCase());

const rim = ({ rim: { sha256 }, tableDigest }: Predicate<"gpu-rim" | "switch-rim">): string[] => [
  ...stated("rim", sha256),
  ...stated("rim-table", tableDigest),
];

/** A kind that is not here does not compile. */
const STATED: { readonly [K in Kind]: (predicate: Predicate<K>) => string[] } = {
  platform: ({ mrtd, rtmr0 }) => [...stated("mrtd", mrtd), ...stated("rtmr0", rtmr0)],
  "os-image": ({ measurements }) =>
    measurements.flatMap(({ rtmr1, rtmr2 }) => [...stated("rtmr1", rtmr1), ...stated("rtmr2", rtmr2)]),
  "kernel-patch-set": () => [],
  "driver-build": ({ upstream }) => stated("driver", upstream.version),
  "gsp-firmware": () => [],
  "gpu-rim": (predicate) => {
    const { covers, componentVersion } = predicate.rim;
    const version = covers === "vbios" ? vbiosVersion(componentVersion) : componentVersion;
    return [...stated(covers, version), ...rim(predicate)];
  },
  "switch-rim": (predicate) => [
    ...stated("vbios", vbiosVersion(predicate.rim.componentVersion)),
    ...rim(predicate),
  ],
  rebuild: () => [],
  policy: ({ profiles }) =>
    profiles.flatMap(({ gpu }) => [
      ...stated("driver", ...gpu.driverVersions),
      ...[gpu, ...(gpu.switches === null ? [] : [gpu.switches])].flatMap(({ vbiosVersions, rimTables }) => [
        ...stated("vbios", ...vbiosVersions.map(vbiosVersion)),
        ...stated("rim-table", ...rimTables),
      ]),
    ]),
  revocation: () => [],
  status: () => [],
  "trust-root": () => [],
  "identity-keys": () => [],
};

/** Every measurement that an entry of this kind states, as `<part>/<value>`; one may be there twice. */
export function measurementsIn<K extends Kind>(kind: K, predicate: Predicate<K>): string[] {
  return STATED[kind](predicate);
}
