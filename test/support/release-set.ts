// Signs a whole release, each of its entries referring to the ones before it.
import type { Envelope } from "../../src/protocol/envelope/dsse.ts";
import type { TestKeys } from "./keys.ts";
import {
  driverPredicate,
  gpuRimPredicate,
  gspPredicate,
  kernelPredicate,
  osImagePredicate,
  platformPredicate,
} from "./release-predicates.ts";
import { referenceOf, signStatement } from "./signing.ts";

/** One whole release set, each entry referring to the ones before it. */
export interface ReleaseSet {
  readonly platform: Envelope;
  readonly kernel: Envelope;
  readonly driver: Envelope;
  readonly gsp: Envelope;
  readonly rim: Envelope;
  readonly image: Envelope;
}

export async function signReleaseSet(keys: TestKeys, version = "1.0"): Promise<ReleaseSet> {
  const by = [keys.publisher];
  const platform = await signStatement("platform", platformPredicate("h100-vm", version), by);
  const kernel = await signStatement("kernel-patch-set", kernelPredicate("linux-cc", version), by);
  const driver = await signStatement(
    "driver-build",
    driverPredicate(referenceOf(kernel), "nvidia-open", version),
    by,
  );
  const gsp = await signStatement("gsp-firmware", gspPredicate("gsp-ga10x", version), by);
  const rim = await signStatement("gpu-rim", gpuRimPredicate("gh100-driver", version), by);
  const image = await signStatement(
    "os-image",
    osImagePredicate(referenceOf(kernel), referenceOf(driver), "guest", version),
    by,
  );
  return { platform, kernel, driver, gsp, rim, image };
}

/** In an order in which every reference points backwards. */
export function inOrder({ platform, kernel, driver, gsp, rim, image }: ReleaseSet): Envelope[] {
  return [platform, kernel, driver, gsp, rim, image];
}
