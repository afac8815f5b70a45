// Provides hash functions for code that also runs in a browser: synchronous, over @noble/hashes. Node swaps in its native SHA-256
// where millions of tree nodes are hashed (src/node/sha256.ts); WebCrypto is asynchronous and slow per node.
import { sha256 as nobleSha256, sha384 as nobleSha384, sha512 as nobleSha512 } from "@noble/hashes/sha2.js";

/** A hash function: any number of bytes in, a fixed number out. */
export type Hash = (data: Uint8Array) => Uint8Array;

/** SHA-256 (FIPS 180-4): 32 bytes. */
export const sha256: Hash = (data) => nobleSha256(data);
/** SHA-384 (FIPS 180-4): 48 bytes. TDX registers and NVIDIA measurements use it. */
export const sha384: Hash = (data) => nobleSha384(data);
/** SHA-512 (FIPS 180-4): 64 bytes. REPORTDATA is that long. */
export const sha512: Hash = (data) => nobleSha512(data);
