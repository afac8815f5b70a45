// Chats with a model through OpenAI's client for JavaScript, and prints what it got as JSON: chat.mjs ENTRY BASE_URL, where ENTRY is the
// client's main file.
import { pathToFileURL } from "node:url";

const [entry, baseURL] = process.argv.slice(2);
const { default: OpenAI } = await import(pathToFileURL(entry).href);
const client = new OpenAI({ apiKey: "secret", baseURL });
try {
  const messages = [{ role: "user", content: "the prompt" }];
  const pieces = [];
  for await (const chunk of await client.chat.completions.create({ model: "m", messages, stream: true }))
    pieces.push(chunk.choices[0].delta.content);
  console.log(JSON.stringify({ pieces }));
} catch (error) {
  console.log(JSON.stringify({ status: error.status, code: error.code, message: error.message }));
}
