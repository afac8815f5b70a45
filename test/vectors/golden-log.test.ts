// The golden log of transparency-dev/tessera: 15 entries, made again here to the byte.
import { expect, it } from "vitest";
import { encodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { concatBytes } from "../../src/protocol/encoding/bytes.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { CompactRange } from "../../src/protocol/merkle/compact-range.ts";
import { hashLeaf } from "../../src/protocol/merkle/hash.ts";
import {
  encodeEntryBundle,
  entriesPath,
  parseEntryBundle,
  tilePath,
} from "../../src/protocol/merkle/tile.ts";
import { formatCheckpoint, openCheckpoint } from "../../src/protocol/note/checkpoint.ts";
import { createNoteSigner, parsePrivateKey, parseVerifierKey } from "../../src/protocol/note/key.ts";
import { signNote } from "../../src/protocol/note/signed-note.ts";
import { describeReal, realData, realJson } from "../support/real-data.ts";

const file = (path: string): Uint8Array => realData(`vectors/golden-log/log/${path}`);

describeReal("vectors/golden-log", () => {
  it("16 checkpoints, 15 tiles and 15 bundles come out the same to the byte", async () => {
    const about = realJson<{
      origin: string;
      vkey: string;
      skey: string;
      entries: string[];
      leafHashes: string[];
      roots: string[];
    }>("vectors/golden-log/about.json");
    const privateKey = await parsePrivateKey(about.skey);
    const logKey = parseVerifierKey(about.vkey);
    expect(privateKey.verifierKey).toEqual(logKey);
    const entries = about.entries.map(utf8);
    const leaves = entries.map((entry) => hashLeaf(entry));
    expect(leaves.map(encodeBase64)).toEqual(about.leafHashes);

    const range = new CompactRange();
    for (let size = 0; size <= entries.length; size++) {
      if (size > 0) range.append(leaves[size - 1]!);
      const checkpoint = { origin: about.origin, size, root: range.root() };
      expect(encodeBase64(checkpoint.root)).toBe(about.roots[size]);
      const note = await signNote(formatCheckpoint(checkpoint), [createNoteSigner(privateKey)]);
      expect(utf8(note)).toEqual(file(`checkpoint.${size}`));
      expect(await openCheckpoint(file(`checkpoint.${size}`), logKey)).toEqual(checkpoint);
      if (size === 0) continue;
      expect(concatBytes(...leaves.slice(0, size))).toEqual(file(tilePath(0, 0, size)));
      const bundle = file(entriesPath(0, size));
      expect(encodeEntryBundle(entries.slice(0, size))).toEqual(bundle);
      expect(parseEntryBundle(bundle, size)).toEqual(entries.slice(0, size));
    }
    expect(file("checkpoint")).toEqual(file("checkpoint.15"));
  });
});
