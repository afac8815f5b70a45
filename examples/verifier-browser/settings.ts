// What the page is built with. PIN is the one thing that it trusts: three values of the log's trust-root.json, which you got from its
// operator and not from the network.
export const LOG = "https://log.example.com";
export const POLICY = "production";
export const PIN = {
  origin: "log.example.com/production",
  version: 1,
  digest: "0000000000000000000000000000000000000000000000000000000000000000",
};
/** Origin of the service: the front end in the confidential machine, or whatever relays to it. */
export const SERVICE = "https://inference.example.com";
