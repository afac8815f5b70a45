// Every back end keeps the contract of LogStore.
import { describe } from "vitest";
import { describeContract } from "./contract.ts";
import { STORES } from "./stores.ts";

for (const store of STORES) describe(store.name, () => describeContract(store));
