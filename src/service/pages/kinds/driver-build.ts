// Says in words what a driver build is: which modules, built for which kernel, and what holds GSP's firmware.
import { html } from "hono/html";
import type { DriverBuild } from "../../../protocol/entry/kinds/driver-build.ts";
import { code, count, type Fact, factList } from "../pieces.ts";
import { fileTable } from "./files.ts";
import { patchSection } from "./patches.ts";
import type { KindWords, LinkTo, Section } from "./words.ts";

export const driverBuildWords: KindWords<"driver-build"> = {
  kind: "driver-build",
  title: "NVIDIA driver build",
  plural: "NVIDIA driver builds",
  sentence: ({ upstream, modules, patches }) =>
    `NVIDIA's open kernel modules ${upstream.version}: ${count(modules.length, "module")}${patches.count === 0 ? ", unpatched" : ` with ${count(patches.count, "patch", "patches")}`}. The GPU's report does not cover these files; the image that holds them does.`,
  sections: (driver, link) => [
    { heading: "Build", body: factList(buildFacts(driver, link)) },
    { heading: "Modules", body: moduleTable(driver) },
    ...(driver.libraries.length === 0
      ? []
      : [{ heading: "Libraries that gate confidential computing", body: fileTable(driver.libraries) }]),
    ...(driver.patches.count === 0 ? [] : [patchSection(driver.patches)]),
    ...observedSection(driver),
  ],
};

function buildFacts({ upstream, kernel, vermagic, rim, ccFirmware }: DriverBuild, link: LinkTo): Fact[] {
  return [
    ["Upstream", upstream.tag === null ? upstream.version : `${upstream.version}, tag ${upstream.tag}`],
    ["For kernel", link(kernel)],
    ["vermagic", code(vermagic)],
    ["Driver RIM", rim === null ? "not stated" : code(rim.id)],
    ...ccFirmware.map(
      ({ foundIn, sha384 }): Fact => ["GSP firmware inside", html`${foundIn} ${code(`sha384:${sha384}`)}`],
    ),
  ];
}

function moduleTable({ modules }: DriverBuild) {
  return fileTable(
    modules.map(({ fileName, sha256, size }) => ({ fileName, sha256, size })),
    (_, i) => {
      const { signer, srcversion } = modules[i] ?? { signer: null, srcversion: null };
      return `${signer === null ? "not signed" : `signed by ${signer}`}${srcversion === null ? "" : `, srcversion ${srcversion}`}`;
    },
  );
}

function observedSection({ observed }: DriverBuild): Section[] {
  if (observed === null) return [];
  const gpus = observed.gpus.map(
    ({ product, vbiosVersion, ccState }): Fact => [
      product,
      `VBIOS ${vbiosVersion}${ccState === null ? "" : `, CC state ${ccState}`}`,
    ],
  );
  return [
    {
      heading: "Observed on a host, proven by nothing",
      body: factList([["Driver", observed.driverVersion], ...gpus]),
    },
  ];
}
