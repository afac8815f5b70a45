// Says in words what a platform is: the firmware and shape of the virtual machine, and what the TDX module measures of them.
import { html } from "hono/html";
import { bytes, code, copyable, count, factList } from "../pieces.ts";
import type { KindWords } from "./words.ts";

export const platformWords: KindWords<"platform"> = {
  kind: "platform",
  title: "Virtual machine platform",
  plural: "Virtual machine platforms",
  sentence: ({ shape }) =>
    `A ${shape.machineType} virtual machine with ${count(shape.vcpus, "virtual CPU")}, ${bytes(shape.memoryBytes)} of memory and ${count(shape.gpus, "GPU")}, started by this firmware.`,
  sections: ({
    mrtd,
    pageAddOrder,
    rtmr0,
    rtmr0From,
    rtmr0Derivation,
    layout,
    vmm,
    firmware,
    tdAttributes,
    xfam,
  }) => [
    {
      heading: "Measured values",
      body: factList([
        [
          "MRTD",
          html`${copyable(mrtd)}<br><span class="dim">${pageAddOrder === "observed" ? "observed: read from a quote" : `computed from the firmware file, pages added in ${pageAddOrder}`}</span>`,
        ],
        [
          "RTMR0",
          html`${copyable(rtmr0)}<br><span class="dim">${rtmr0Derivation === "computed" ? "computed" : "observed on a machine"}: ${rtmr0From}</span>`,
        ],
        ["Layout of the firmware's events", code(layout)],
        ["VMM", vmm.package ?? vmm.name],
        ["TD_ATTRIBUTES", code(tdAttributes)],
        ["XFAM", code(xfam)],
      ]),
    },
    {
      heading: "Firmware",
      body:
        firmware === null
          ? html`<p>The file is not stated: this firmware is known by its MRTD alone.</p>`
          : factList([
              ["File", `${firmware.fileName}, ${bytes(firmware.size)}`],
              ["SHA-256", code(firmware.sha256)],
              ["SHA-384", code(firmware.sha384)],
            ]),
    },
  ],
};
