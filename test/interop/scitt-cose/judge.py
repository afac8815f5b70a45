"""Judges receipts of inclusion with scitt-cose: it shares no line with Touchstone. A line of standard input is {"receipt", "spki", "entry"},
all base64; for each it prints a line, "accepted" or why not."""

import base64
import json
import sys

from scitt_cose import verify_receipt


def pem(spki: str) -> bytes:
    return f"-----BEGIN PUBLIC KEY-----\n{spki}\n-----END PUBLIC KEY-----\n".encode()


for line in sys.stdin:
    question = json.loads(line)
    result = verify_receipt(
        base64.b64decode(question["receipt"]),
        leaf_entry_hex=base64.b64decode(question["entry"]).hex(),
        log_public_key_pem=pem(question["spki"]),
    )
    print("accepted" if result.ok else "; ".join(result.errors).replace("\n", " ") or "refused")
