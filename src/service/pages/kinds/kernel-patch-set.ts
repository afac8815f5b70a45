// Says in words what a kernel patch set is: a base, patches in order, the options that matter, and what was built of them.
import { html } from "hono/html";
import type { KernelPatchSet } from "../../../protocol/entry/kinds/kernel-patch-set.ts";
import { code, count, type Fact, factList } from "../pieces.ts";
import { fileTable } from "./files.ts";
import { patchSection } from "./patches.ts";
import type { KindWords, Section } from "./words.ts";

export const kernelPatchSetWords: KindWords<"kernel-patch-set"> = {
  kind: "kernel-patch-set",
  title: "Kernel",
  plural: "Kernels",
  sentence: ({ base, patches, kernelRelease }) =>
    `${base.name} ${base.version} with ${count(patches.count, "patch", "patches")}${kernelRelease === null ? "" : `, which calls itself ${kernelRelease}`}.`,
  sections: (kernel) => [
    { heading: "Source", body: factList(sourceFacts(kernel)) },
    patchSection(kernel.patches),
    ...configSection(kernel),
    ...(kernel.outputs.length === 0 ? [] : [{ heading: "Built files", body: fileTable(kernel.outputs) }]),
  ],
};

function sourceFacts({ base, kernelRelease }: KernelPatchSet): Fact[] {
  return [
    ["Base", `${base.name} ${base.version}`],
    ["Commit", base.commit === null ? "not stated" : code(base.commit)],
    [
      "Archive",
      base.sourceArchive === null
        ? "not stated"
        : html`${base.sourceArchive.fileName} ${code(`sha256:${base.sourceArchive.sha256}`)}`,
    ],
    ["uname -r", kernelRelease ?? "not stated: no kernel image is among the outputs"],
  ];
}

function configSection({ config }: KernelPatchSet): Section[] {
  if (config === null) return [];
  const rows = config.options.map(({ option, required, actual }) => {
    const met = required === "set" ? actual !== null && actual !== "n" : actual === null;
    return html`<tr><td class="name"><code>${option}</code></td><td>${required}</td><td class="${met ? "good" : "bad"}">${actual ?? "not set"}</td></tr>`;
  });
  return [
    {
      heading: "Options that matter",
      body: html`<div class="scroll" tabindex="0"><table><thead><tr><th>Option</th><th>Required</th><th>Built with</th></tr></thead><tbody>${rows}</tbody></table></div><p class="dim">The whole configuration: ${code(`sha256:${config.sha256}`)}</p>`,
    },
  ];
}
