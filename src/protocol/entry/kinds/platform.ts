// Defines the kind platform: the virtual firmware and shape of the VM. MRTD, RTMR0, TD attributes and XFAM hold together, as one atom.
import { releaseKind } from "../kind.ts";

export type { Platform } from "./platform.shape.ts";

export const platform = releaseKind({
  kind: "platform",
  profile: { member: "platforms", atMost: 64 },
  references: {},
});
