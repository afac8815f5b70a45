// Says what a text is that is not the PKCS#8 PEM of one private key, and how to make that of it. It never repeats any of the text.

const WANTED = "expected one unencrypted PKCS#8 PEM ('-----BEGIN PRIVATE KEY-----')";
const NEW_KEY = "make one with 'touchstone key generate -o FILE' or 'openssl genpkey -algorithm ed25519'";

/** What a PEM block of another label is, and the repair. */
const LABELS: ReadonlyArray<readonly [label: string, wrong: string]> = [
  ["OPENSSH PRIVATE KEY", `it is an OpenSSH key, which signs nothing here: ${NEW_KEY}`],
  [
    "ENCRYPTED PRIVATE KEY",
    "it is encrypted: openssl pkey -in FILE -out NEW, on a disk that is encrypted itself",
  ],
  ["RSA PRIVATE KEY", `it is an RSA key, and entries are signed with Ed25519 or ECDSA P-256: ${NEW_KEY}`],
  ["EC PRIVATE KEY", "it is a SEC 1 key: openssl pkcs8 -topk8 -nocrypt -in FILE -out NEW"],
  ["PUBLIC KEY", "it is a public key: give the private one"],
  ["CERTIFICATE", "it is a certificate: give the private key"],
];

/** A sentence, or undefined where the text has the form of the one key that is wanted. */
export function whatIsWrongWith(pem: string): string | undefined {
  const labels = [...pem.matchAll(/-----BEGIN ([A-Z0-9 ]{1,40})-----/g)].map(([, label]) => label ?? "");
  if (labels.length === 0) return `${WANTED}, ${looksLike(pem)}`;
  if (/^(?:Proc-Type: 4,ENCRYPTED)/m.test(pem)) return `${WANTED}: ${wrongLabel("ENCRYPTED PRIVATE KEY")}`;
  const keys = labels.filter((label) => label.endsWith("PRIVATE KEY"));
  if (keys.length > 1) return `it holds ${keys.length} private keys: give a file with one`;
  const label = keys[0] ?? labels[0] ?? "";
  if (label !== "PRIVATE KEY") return `${WANTED}: ${wrongLabel(label)}`;
  const body = /-----BEGIN PRIVATE KEY-----(.*?)-----END PRIVATE KEY-----/s.exec(pem)?.[1];
  if (body === undefined) return "it has no END line: it was cut";
  return body.includes("\\") || !/^\r?\n/.test(body)
    ? 'its line ends were lost: pass it as the file has it (in a shell: export KEY="$(cat FILE)")'
    : undefined;
}

function wrongLabel(label: string): string {
  return LABELS.find(([known]) => known === label)?.[1] ?? `it is PEM of something else`;
}

function looksLike(text: string): string {
  const trimmed = text.trim();
  if (trimmed === "") return "it is empty";
  if (trimmed.startsWith("PRIVATE+KEY+")) return "it is a key of a log or cosigner, which signs no entries";
  if (/^LS0tLS1CRUdJTi/.test(trimmed)) return "it is base64 of PEM: base64 -d";
  if (/^[A-Za-z0-9+/=\s]+$/.test(trimmed))
    return "the BEGIN and END lines are missing, or it is something else";
  return "it is no PEM";
}
