// Says where to go: the package has no main entry, since a verifier in a page must not load what a log's operator needs.

throw new Error(
  "touchstone has no main entry: import from touchstone/verifier, touchstone/verifier/lookup, touchstone/verifier/node, touchstone/protocol, touchstone/gate or touchstone/testing",
);

/** Nothing is exported here: import from touchstone/verifier, touchstone/verifier/lookup, touchstone/verifier/node, touchstone/protocol, touchstone/gate or touchstone/testing. */
export {};
