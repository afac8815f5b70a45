// Hashes with SHA-256 by OpenSSL, for the millions of tree nodes that a log and an auditor hash.
import { hash } from "node:crypto";
import type { Hash } from "../protocol/cryptography/hash.ts";

/**
 * SHA-256 (FIPS 180-4): 32 bytes. The one-call form with text output avoids an object for every hash: "binary" is latin1, one
 * character a byte.
 */
export const nativeSha256: Hash = (data) => Buffer.from(hash("sha256", data, "binary"), "binary");
