// Says how long a CCEL table may be: evidence.json and the parser of the table keep to one limit, and reading the one needs not the other.

/** Bytes of the whole table. Firmware reserves 64 KiB to 1 MiB. */
export const MAX_CCEL_BYTES = 2 * 1024 * 1024;
