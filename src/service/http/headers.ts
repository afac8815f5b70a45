// Defines the header fields that every answer carries. Everything the log serves is public, so any page may read it (CORS *); nothing it
// serves is a page, so a browser that is talked into showing it runs nothing.

/** For what is read all the time: each field costs, and these two are what bytes and JSON need. */
export const READ_HEADERS = {
  "access-control-allow-origin": "*",
  "x-content-type-options": "nosniff",
} as const;

/** For everything else that is not a page for people. */
export const BASE_HEADERS = {
  ...READ_HEADERS,
  "access-control-expose-headers": "etag, retry-after, link, location, x-request-id",
  "cross-origin-resource-policy": "cross-origin",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
} as const;

/** For pages: scripts, styles and images of our own, and nothing else from anywhere. `data:` is for icons inside style sheets. */
export const PAGE_HEADERS = {
  ...BASE_HEADERS,
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
} as const;

/** Objects of the tree never change. */
export const IMMUTABLE = "public, max-age=31536000, immutable";
/** Older checkpoints are worth little: caches ask again each time. */
export const NO_CACHE = "no-cache";
/** Probes and metrics are true for a moment, answers to writes and problems for one client. */
export const NO_STORE = "no-store";
