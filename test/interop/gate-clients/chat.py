"""Chats with a model through OpenAI's client for Python, and prints what it got as JSON: chat.py BASE_URL"""

import json
import sys

import openai

client = openai.OpenAI(api_key="secret", base_url=sys.argv[1])
try:
    messages = [{"role": "user", "content": "the prompt"}]
    stream = client.chat.completions.create(model="m", messages=messages, stream=True)
    print(json.dumps({"pieces": [chunk.choices[0].delta.content for chunk in stream]}))
except openai.APIStatusError as error:
    print(json.dumps({"status": error.status_code, "code": error.code, "message": error.message}))
