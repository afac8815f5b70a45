"""Teaches schemathesis to write newline-delimited JSON: what it makes of the schema is the text already."""

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def ndjson(ctx, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@schemathesis.deserializer("text/html")
def html(ctx, response):
    return response.text
