// Recognises private keys in text, so that one which was put where a path or a name belongs is neither used nor shown.

/** How each text form begins: PEM (RFC 7468), the form of Go's note package, and DER or PEM as base64 or hex. */
const MARKS = [
  "-----BEGIN [A-Z0-9 ]*PRIVATE KEY",
  "PRIVATE\\+KEY\\+[!-~]",
  // PEM that was encoded once more, as CI systems are given it: "-----BEGIN".
  "LS0tLS1CRUdJTi",
  "2[dD]2[dD]2[dD]2[dD]2[dD]424547494[eE]",
  // PKCS #8 of Ed25519 (RFC 8410 §7), without and with the public half.
  "MC4CAQAwBQYDK2VwBC",
  "MFECAQEwBQYDK2VwBC",
  "302[eE]020100300506032[bB]6570",
  "3051020101300506032[bB]6570",
  // PKCS #8 of P-256 (RFC 5915), with and without the public half, and SEC 1.
  "MIGHAgEAMBMGByqGSM49",
  "MEECAQAwEwYHKoZIzj0C",
  "MHcCAQEEI",
  "308187020100301306072[aA]8648[cC][eE]3[dD]",
  "3041020100301306072[aA]8648[cC][eE]3[dD]",
  "30770201010420",
].join("|");

const MARK = new RegExp(MARKS);
/** From its beginning to its END line, or where there is none to the last character that a key may have. */
const KEY = new RegExp(
  `(?:${MARKS})(?:(?:(?!-----BEGIN)[^])*?-----END [A-Z0-9 ]*-----|[A-Za-z0-9+/=_.-]*(?:(?:-----)?(?:\\s|\\\\[nr])+[A-Za-z0-9+/=]{16,})*[-\\s]*)`,
  "g",
);

/** Whether a private key begins in the text. It need not be whole. */
export function holdsPrivateKey(text: string): boolean {
  return MARK.test(text);
}

/** The text with "[a private key]" for each private key in it. */
export function withoutPrivateKeys(text: string): string {
  return holdsPrivateKey(text) ? text.replace(KEY, "[a private key]") : text;
}
