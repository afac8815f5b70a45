// Keeps the file of the index in a thread of its own: hashing and writing it holds up neither appends nor requests.
import { workerData } from "node:worker_threads";
import { answerCalls } from "../../node/thread.ts";
import { IndexFile } from "./index-file.ts";
import { removeIndexFile } from "./open-index.ts";

/** What the thread is asked for, as the methods of IndexFile say. */
export type IndexCall =
  | {
      readonly step: "add";
      readonly leaves: readonly Uint8Array[];
      readonly treeRoot: Uint8Array;
      readonly markFrom: number;
      readonly markEnd: boolean;
    }
  | { readonly step: "stage"; readonly first: number; readonly leaves: readonly Uint8Array[] }
  | { readonly step: "buildSome"; readonly part: number; readonly size: number }
  | { readonly step: "endBuilding"; readonly size: number; readonly treeRoot: Uint8Array }
  | { readonly step: "rootWith"; readonly first: number; readonly leaves: readonly Uint8Array[] }
  | { readonly step: "unmark"; readonly sizes: readonly number[] }
  | { readonly step: "find"; readonly key: Uint8Array; readonly size: number; readonly limit: number }
  /** Opens the file; `anew` throws away what is in it. */
  | { readonly step: "open"; readonly anew: boolean }
  | { readonly step: "close" };

const path = workerData as string;
let file: IndexFile | undefined;

answerCalls((call: IndexCall) => {
  if (call.step === "open") return open(call.anew);
  if (call.step === "close") return close();
  if (file === undefined) throw new TypeError("the index is opened first");
  if (call.step === "add") return file.add(call.leaves, call.treeRoot, call.markFrom, call.markEnd);
  if (call.step === "stage") return file.stage(call.first, call.leaves);
  if (call.step === "buildSome") return file.buildSome(call.part, call.size);
  if (call.step === "endBuilding") return file.endBuilding(call.size, call.treeRoot);
  if (call.step === "rootWith") return file.rootWith(call.first, call.leaves);
  if (call.step === "unmark") return file.unmark(call.sizes);
  return file.find(call.key, call.size, call.limit);
});

function open(anew: boolean) {
  close();
  file = IndexFile.open(path);
  if (anew) {
    close();
    removeIndexFile(path);
    file = IndexFile.open(path);
  }
  return file.state;
}

function close(): void {
  file?.close();
  file = undefined;
}
