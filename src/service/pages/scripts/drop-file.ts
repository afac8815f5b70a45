// Hashes a file that is dropped on the search box, in the browser, and searches for its SHA-256.
import { sha256 } from "@noble/hashes/sha2.js";
import { encodeHex } from "../../../protocol/encoding/hex.ts";
import { find, messageOf } from "./dom.ts";

const query = find("q", "input");
const form = query.form as HTMLFormElement;
const progress = find("drop-progress", "output");
const chosen = find("drop-file", "input");

find("drop", "p").hidden = false;
chosen.addEventListener("change", () => void search(chosen.files?.[0]));
for (const target of [form]) {
  target.addEventListener("dragover", (event) => event.preventDefault());
  target.addEventListener("drop", (event) => {
    event.preventDefault();
    void search(event.dataTransfer?.files[0]);
  });
}

async function search(file: File | undefined): Promise<void> {
  if (file === undefined) return;
  try {
    query.value = `sha256:${await digestOf(file)}`;
    form.requestSubmit();
  } catch (error) {
    progress.value = `The file cannot be read: ${messageOf(error)}`;
  }
}

/** In pieces, so that an image of many gigabytes fits through. */
async function digestOf(file: File): Promise<string> {
  const hash = sha256.create();
  const reader = file.stream().getReader();
  let read = 0;
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    hash.update(piece.value);
    read += piece.value.length;
    progress.value = `${Math.floor((100 * read) / file.size)} %`;
  }
  return encodeHex(hash.digest());
}
