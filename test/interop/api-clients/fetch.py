"""Fetches a policy bundle and an inclusion proof with the client that openapi-python-client makes of openapi.yaml, and writes what it read
as JSON. Arguments: the service's address, the policy's name, the entry's index."""

import json
import sys

from touchstone_client import Client
from touchstone_client.api.policies import get_policy_bundle
from touchstone_client.api.proofs import get_inclusion_proof

url, name, index = sys.argv[1:]
client = Client(base_url=url)
bundle = get_policy_bundle.sync(name, client=client)
proof = get_inclusion_proof.sync(int(index), client=client)
json.dump({"bundle": bundle.to_dict(), "proof": proof.to_dict()}, sys.stdout)
