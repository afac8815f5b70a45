// Names the roles of a trust root.

/** A role has a key of its own, so that each can be taken offline or handed over by itself. */
export const ROLES = ["root", "publisher", "policy", "revocation", "status"] as const;
export type RoleName = (typeof ROLES)[number];
