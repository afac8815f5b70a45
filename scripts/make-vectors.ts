// Writes test/vectors/log/: a log of five entries with published keys, down to the byte, for anyone who implements
// docs/formats.md again. Ed25519 is deterministic (RFC 8032), so every run writes the same files; run the formatter afterwards.

import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { sha256 } from "../src/protocol/cryptography/hash.ts";
import { encodeBase64 } from "../src/protocol/encoding/base64.ts";
import { concatBytes } from "../src/protocol/encoding/bytes.ts";
import { encodeHex } from "../src/protocol/encoding/hex.ts";
import { decodeUtf8, utf8 } from "../src/protocol/encoding/text.ts";
import { CompactRange } from "../src/protocol/merkle/compact-range.ts";
import { proveConsistency } from "../src/protocol/merkle/consistency.ts";
import { hashLeaf } from "../src/protocol/merkle/hash.ts";
import { proveInclusion } from "../src/protocol/merkle/inclusion.ts";
import type { ReadNode } from "../src/protocol/merkle/subtree.ts";
import { encodeEntryBundle, entriesPath, tilePath } from "../src/protocol/merkle/tile.ts";
import { formatCheckpoint } from "../src/protocol/note/checkpoint.ts";
import { cosignatureMessage, createCosigner } from "../src/protocol/note/cosignature.ts";
import {
  COSIGNATURE_ED25519,
  createNoteSigner,
  createPrivateKey,
  ED25519,
  formatPrivateKey,
  formatVerifierKey,
  type NotePrivateKey,
} from "../src/protocol/note/key.ts";
import { formatSignatureLine, parseNote, signNote } from "../src/protocol/note/signed-note.ts";
import { formatTlogProof } from "../src/protocol/note/tlog-proof.ts";

const ORIGIN = "touchstone.example/vectors";
const ENTRIES = ["first", "second", "", "fourth", "fifth: ünïcode"].map(utf8);
const TIMES = [1_790_000_000, 1_790_000_060];

/** The folder that the files go to. */
export const VECTORS = fileURLToPath(new URL("../test/vectors/log/", import.meta.url));

/** The content of every file, by file name. Hashes are hex; notes, proofs and policies are text. */
export async function makeVectors(): Promise<Record<string, object>> {
  const log = await keyOf(ORIGIN, ED25519);
  const witnesses = await Promise.all(
    ["one.witness.example", "two.witness.example"].map((name) => keyOf(name, COSIGNATURE_ED25519)),
  );
  const tree = growTree();
  const checkpoints = await Promise.all(
    tree.roots.map((root, size) => signed(log, witnesses, { size, root })),
  );
  return {
    "keys.json": { log: describeKey(log), witnesses: witnesses.map(describeKey) },
    "tree.json": describeTree(tree),
    "tiles.json": describeTiles(tree),
    "checkpoints.json": { policy: policyOf(log, witnesses), checkpoints },
    "proofs.json": await describeProofs(tree, log, witnesses),
  };
}

function keyOf(name: string, type: number): Promise<NotePrivateKey> {
  return createPrivateKey(name, type, sha256(utf8(`touchstone test vector key: ${name}`)));
}

function describeKey(key: NotePrivateKey): object {
  return {
    name: key.verifierKey.name,
    keyId: key.verifierKey.keyId,
    type: key.verifierKey.type,
    seed: encodeHex(key.seed),
    vkey: formatVerifierKey(key.verifierKey),
    privateKey: formatPrivateKey(key),
  };
}

interface Tree {
  readonly leaves: readonly Uint8Array[];
  readonly roots: readonly Uint8Array[];
  readonly readNode: ReadNode;
}

function growTree(): Tree {
  const nodes = new Map<string, Uint8Array>();
  const range = new CompactRange();
  const roots = [range.root()];
  const leaves = ENTRIES.map((entry) => hashLeaf(entry));
  for (const leaf of leaves) {
    range.append(leaf, (level, index, hash) => nodes.set(`${level}/${index}`, hash));
    roots.push(range.root());
  }
  return { leaves, roots, readNode: (level, index) => nodes.get(`${level}/${index}`) as Uint8Array };
}

function describeTree({ leaves, roots, readNode }: Tree): object {
  const sizes = leaves.map((_, i) => i + 1);
  return {
    entries: ENTRIES.map(encodeHex),
    leafHashes: leaves.map(encodeHex),
    roots: roots.map(encodeHex),
    inclusion: sizes.flatMap((size) =>
      sizes.slice(0, size).map((_, index) => ({
        index,
        size,
        proof: proveInclusion(index, size, readNode).map(encodeHex),
      })),
    ),
    consistency: sizes.flatMap((to) =>
      sizes.slice(0, to).map((from) => ({
        from,
        to,
        proof: proveConsistency(from, to, readNode).map(encodeHex),
      })),
    ),
  };
}

function describeTiles({ leaves }: Tree): object {
  const width = leaves.length;
  return {
    size: width,
    tiles: [
      { path: tilePath(0, 0, width), bytes: encodeHex(concatBytes(...leaves)) },
      { path: entriesPath(0, width), bytes: encodeHex(encodeEntryBundle(ENTRIES)) },
    ],
    paths: [
      { level: 0, index: 1234067, width: 256, path: tilePath(0, 1234067) },
      { level: 1, index: 999, width: 255, path: tilePath(1, 999, 255) },
      { level: "entries", index: 1000, width: 1, path: entriesPath(1000, 1) },
      { level: 0, index: 2 ** 45 - 1, width: 256, path: tilePath(0, 2 ** 45 - 1) },
    ],
  };
}

function policyOf(log: NotePrivateKey, witnesses: readonly NotePrivateKey[]): string {
  const names = witnesses.map((_, i) => `W${i + 1}`);
  return [
    `log ${formatVerifierKey(log.verifierKey)}`,
    ...witnesses.map(({ verifierKey }, i) => `witness ${names[i]} ${formatVerifierKey(verifierKey)}`),
    `group both all ${names.join(" ")}`,
    "quorum both\n",
  ].join("\n");
}

/** A checkpoint at every step: its text, what each cosigner signs, the lines, and the whole note. */
async function signed(
  log: NotePrivateKey,
  witnesses: readonly NotePrivateKey[],
  { size, root }: { size: number; root: Uint8Array },
): Promise<{ size: number; text: string; cosigned: object[]; note: string }> {
  const text = formatCheckpoint({ origin: ORIGIN, size, root });
  const cosigners = witnesses.map((key, i) => createCosigner(key, () => new Date((TIMES[i] ?? 0) * 1000)));
  const note = await signNote(text, [createNoteSigner(log), ...cosigners]);
  const [, ...lines] = parseNote(note).signatures;
  const cosigned = lines.map((line, i) => ({
    timestamp: TIMES[i],
    signedMessage: decodeUtf8(cosignatureMessage(utf8(text), TIMES[i] ?? 0)),
    line: formatSignatureLine(line),
  }));
  return { size, text, cosigned, note };
}

/** tlog-proofs that hold, and ones that must be refused with the code they are refused with. */
async function describeProofs(
  tree: Tree,
  log: NotePrivateKey,
  witnesses: readonly NotePrivateKey[],
): Promise<object> {
  const size = tree.leaves.length;
  const root = tree.roots[size] as Uint8Array;
  const { note } = await signed(log, witnesses, { size, root });
  const proofOf = (index: number) => proveInclusion(index, size, tree.readNode);
  const good = tree.leaves.map((leaf, index) => ({
    leafHash: encodeHex(leaf),
    text: formatTlogProof({ index, proof: proofOf(index), checkpoint: note }),
    outcome: "accepted",
  }));
  const leafHash = encodeHex(tree.leaves[1] as Uint8Array);
  const text = formatTlogProof({ index: 1, proof: proofOf(1), checkpoint: note });
  const unwitnessed = (await signed(log, witnesses.slice(0, 1), { size, root })).note;
  const unsigned = note.replace(/— touchstone.*\n/, "");
  return {
    cases: [
      ...good,
      { leafHash, text: withExtra(text), outcome: "accepted" },
      { leafHash: encodeHex(tree.leaves[2] as Uint8Array), text, outcome: "inclusion-proof" },
      { leafHash, text: text.replace("index 1", "index 2"), outcome: "inclusion-proof" },
      { leafHash, text: text.replace(`\n${size}\n`, "\n6\n"), outcome: "note-signature" },
      { leafHash, text: text.replace(note, unwitnessed), outcome: "checkpoint-quorum" },
      { leafHash, text: text.replace(note, unsigned), outcome: "checkpoint-log-signature" },
      { leafHash, text: text.replace("index 1", "index 01"), outcome: "malformed" },
    ],
  };
}

function withExtra(text: string): string {
  return text.replace("index 1", `extra ${encodeBase64(utf8("anything"))}\nindex 1`);
}

if (process.argv[1] === import.meta.filename) {
  for (const [name, content] of Object.entries(await makeVectors())) {
    await writeFile(`${VECTORS}${name}`, `${JSON.stringify(content, null, 2)}\n`);
  }
}
