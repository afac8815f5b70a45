// Defines the field types of every kind of entry: objects are strict, every field is required, and null says that a fact is not known.
// Integers are safe integers, digests lower-case hex, times RFC 3339 in UTC to the second.
import * as z from "zod";
import { isRealTime, isRelativePath, MAX_INTEGER, PRINTABLE } from "./fields.ts";
import { MAX_NAME_BYTES, NAME, NAME_PATTERN } from "./name.ts";

export const name = z
  .string()
  .max(MAX_NAME_BYTES)
  .regex(NAME)
  .describe("Name: segments of a-z, 0-9, '.', '_' and '-', with '/' between them; at most 128 bytes");

export const namePattern = z
  .string()
  .max(MAX_NAME_BYTES)
  .regex(NAME_PATTERN)
  .describe("Name, name followed by '/*', or '*'; at most 128 bytes");

export const releaseVersion = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9.+~:_-]{0,127}$/)
  .describe("Version, as its publisher writes it");

export const integer = z.int().min(0).max(MAX_INTEGER);
export const positive = z.int().min(1).max(MAX_INTEGER);

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`));

export const sha256 = hex(32).describe("SHA-256, lower-case hex");
export const sha384 = hex(48).describe("SHA-384, lower-case hex");
/** Git object name: SHA-1 or SHA-256. */
export const gitCommit = z
  .string()
  .regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/)
  .describe("Git object name, full hex");
/** A commit as a patch names it: the kernel's own rule asks for 12 digits at least. */
export const namedCommit = z
  .string()
  .regex(/^(?:[0-9a-f]{12,40}|[0-9a-f]{64})$/)
  .describe("Git object name as the patch gives it: full, or its first digits, 12 at least");
/** 8 bytes as the quote holds them, in memory order. */
export const hex8 = hex(8);
/** 16 bytes as the quote holds them. */
export const hex16 = hex(16);
/** A 48-byte TDX register or identity. */
export const tdxRegister = hex(48).describe("48-byte TDX register, lower-case hex");

export const uuid = z.string().regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);

/** Text for people or the name of a thing outside the log: no control characters, nor any that turn the direction of reading. */
export const text = (max: number) => textOrNothing(max).min(1);
/** The same where the thing may have no name. */
export const textOrNothing = (max: number) => z.string().max(max).regex(PRINTABLE);

/** The name by which a log goes, at most 255 characters. */
export const origin = text(255).describe("Origin line of the log's checkpoints (C2SP tlog-checkpoint)");

export const fileName = z
  .string()
  .regex(/^[A-Za-z0-9_+.@~-][A-Za-z0-9_+.@~/-]{0,254}$/)
  .refine(isRelativePath, { error: "must be a relative path without . or .. elements" })
  .describe("Relative file name");

/** "2026-11-23T14:00:00Z" and nothing else, and a day that the calendar has. */
export const time = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/)
  .refine(isRealTime, { error: "is not a time that exists" })
  .describe("RFC 3339, UTC, seconds");

/** Any SubjectPublicKeyInfo DER in padded base64; whether it is a usable key is decided when it is imported. */
export const spki = z
  .string()
  .regex(/^(?:[A-Za-z0-9+/]{4}){10,200}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/)
  .describe("SPKI DER (RFC 5280), base64");

export const keyId = sha256.describe("Hex SHA-256 of the key's SPKI DER");
