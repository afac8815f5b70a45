// Says in words what a guest image is: what is measured of it, what it boots, and what must be true inside it.
import { html } from "hono/html";
import type { BootMeasurements, OsImage } from "../../../protocol/entry/kinds/os-image.ts";
import { bytes, code, copyable, count, type Fact, factList } from "../pieces.ts";
import type { KindWords, LinkTo } from "./words.ts";

export const osImageWords: KindWords<"os-image"> = {
  kind: "os-image",
  title: "Guest image",
  plural: "Guest images",
  sentence: ({ rootfs, lockdown, moduleSigning, secureBoot }) =>
    `A guest image: a read-only root filesystem of ${bytes(rootfs.size)} under dm-verity, kernel lockdown ${lockdown}, Secure Boot ${secureBoot.enabled ? "on" : "off"}, kernel modules ${moduleSigning.enforced ? "only with a listed signature" : "without an enforced signature"}.`,
  sections: (image, link) => [
    { heading: "Measured values", body: factList(measured(image)) },
    { heading: "What it boots", body: factList(booted(image, link)) },
    { heading: "Removed from what must be trusted", body: removed(image) },
  ],
};

function measured({ measurements, verity, uki, commandLine }: OsImage): Fact[] {
  return [
    ...measurements.flatMap(measuredWhenStarted),
    [
      "dm-verity root hash",
      html`${copyable(verity.rootHash)}<br><span class="dim">${verity.algorithm}; it stands in the command line, which RTMR2 covers</span>`,
    ],
    [
      "UKI, Authenticode SHA-384",
      html`${copyable(uki.authenticode.sha384)}<br><span class="dim">what the firmware measures of the file</span>`,
    ],
    ["Command line", html`<code>${commandLine.text}</code>`],
  ];
}

/** A row: its registers, how they came about, and the way of starting and the firmware that they are of. */
function measuredWhenStarted({ bootPath, layout, rtmr1, rtmr2, derivation, from }: BootMeasurements): Fact[] {
  const how = html`<br><span class="dim">${bootPath}, firmware of layout ${layout}; ${derivation === "computed" ? "computed" : "observed on a machine"}: ${from}</span>`;
  return [
    ["RTMR1", html`${copyable(rtmr1)}${how}`],
    ["RTMR2", html`${copyable(rtmr2)}${how}`],
  ];
}

function booted({ kernelPatchSet, driverBuild, uki, rootfs }: OsImage, link: LinkTo): Fact[] {
  return [
    ["Kernel", link(kernelPatchSet)],
    ["NVIDIA driver", link(driverBuild)],
    ["UKI", html`${uki.fileName}, ${bytes(uki.size)} ${code(`sha256:${uki.sha256}`)}`],
    ["Root filesystem", html`${rootfs.format}, ${bytes(rootfs.size)} ${code(`sha256:${rootfs.sha256}`)}`],
  ];
}

function removed({ removedFromTcb: { packages, daemons, kernelModules } }: OsImage) {
  const lists = [
    ["package", packages],
    ["daemon", daemons],
    ["kernel module", kernelModules],
  ] as const;
  return html`<ul>${lists.map(([what, names]) => html`<li>${count(names.length, what)}${names.length === 0 ? "" : `: ${names.join(", ")}`}</li>`)}</ul><p class="dim">The publisher's statement: no measurement shows an absence by itself.</p>`;
}
