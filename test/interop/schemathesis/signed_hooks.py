"""Puts an envelope with good signatures, or a batch of them, into every body. They are in the file that SIGNED_ENVELOPES names, one a line."""

import os
import random

import hooks  # noqa: F401
import schemathesis

with open(os.environ["SIGNED_ENVELOPES"], encoding="utf-8") as file:
    ENVELOPES = file.read().splitlines()

choose = random.Random(20261128)


@schemathesis.hook
def before_call(ctx, case, kwargs):
    # What is meant to be refused stays as it is.
    if case.method.upper() != "POST" or case.meta.generation.mode.is_negative:
        return
    count = choose.randint(1, 5) if case.path.endswith("/batch") else 1
    lines = choose.choices(ENVELOPES, k=count)
    kwargs.pop("json", None)
    kwargs["data"] = "".join(f"{line}\n" for line in lines)
