"""Signs a payload with securesystemslib, as in-toto's tools do, and prints the envelope and the public key as JSON."""

import json
import sys

from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner

kind, path = sys.argv[1:]
signers = {"ed25519": CryptoSigner.generate_ed25519, "ecdsa": CryptoSigner.generate_ecdsa}
with open(path, "rb") as file:
    payload = file.read()
signer = signers[kind]()
envelope = Envelope(payload, "application/vnd.in-toto+json", {})
envelope.sign(signer)
print(json.dumps({"envelope": envelope.to_dict(), "public": signer.public_key.keyval["public"]}))
