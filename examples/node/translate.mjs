// Translate with the official OpenAI SDK for Node: `npm install && npm start`, at once and as a stream.
import OpenAI from "openai";

const client = new OpenAI({
  baseURL: process.env.TRANSLATOR_URL ?? "http://127.0.0.1:8000/v1",
  apiKey: process.env.TRANSLATOR_KEY ?? "none needed on loopback",
});

const request = (text, target) => ({
  model: "qwen-mt-turbo",
  messages: [{ role: "user", content: text }],
  translation_options: { source_lang: "auto", target_lang: target },
});

const answer = await client.chat.completions.create(request("Where is the station?", "Chinese"));
console.log(answer.choices[0].message.content);

const stream = await client.chat.completions.create({
  ...request("我看到这个视频后没有笑", "English"),
  stream: true,
});
for await (const chunk of stream) process.stdout.write(chunk.choices[0].delta.content ?? "");
console.log();
