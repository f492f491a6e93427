"""Translate with the official OpenAI SDK (`pip install openai`), at once and as a stream."""

import os

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("TRANSLATOR_URL", "http://127.0.0.1:8000/v1"),
    api_key=os.environ.get("TRANSLATOR_KEY", "none needed on loopback"),
)
options = {"translation_options": {"source_lang": "auto", "target_lang": "English"}}

answer = client.chat.completions.create(
    model="qwen-mt-turbo",
    messages=[{"role": "user", "content": "你叫什么名字？"}],
    extra_body=options,
)
print(answer.choices[0].message.content)

stream = client.chat.completions.create(
    model="qwen-mt-turbo",
    messages=[{"role": "user", "content": "你好吗？今天天气很好。"}],
    stream=True,
    extra_body=options,
)
for chunk in stream:
    print(chunk.choices[0].delta.content or "", end="", flush=True)
print()
