// Every back end keeps the contract of LogStore.
import { describe } from "vitest";
import { describeContract } from "./contract.ts";
import { STORES } from "./stores.ts";

for (const { skipped, ...store } of STORES) {
  if (skipped === undefined) describe(store.name, () => describeContract(store));
  else describe.skip(`${store.name} (skipped: ${skipped})`, () => describeContract(store));
}
