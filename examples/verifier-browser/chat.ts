// Talks to a service that speaks the OpenAI API, whatever fetch it is given.
import { SERVICE } from "./settings.ts";

export interface Message {
  readonly role: "user" | "assistant";
  readonly content: string;
}

/** The model that the service offers first. */
export async function firstModel(fetch: typeof globalThis.fetch): Promise<string> {
  const response = await fetch(`${SERVICE}/v1/models`);
  if (!response.ok) throw new Error(`the service answered ${response.status}`);
  const { data } = (await response.json()) as { data: { id: string }[] };
  return data[0]?.id ?? "";
}

/** The words of the answer as they arrive. It ends when the answer is whole, and throws when it is not. */
export async function* answer(
  fetch: typeof globalThis.fetch,
  model: string,
  messages: readonly Message[],
): AsyncGenerator<string, void> {
  const response = await fetch(`${SERVICE}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, messages, stream: true }),
  });
  if (!response.ok || response.body === null) throw new Error(`the service answered ${response.status}`);
  for await (const event of events(response.body)) {
    if (event === "[DONE]") return;
    const { choices } = JSON.parse(event) as { choices: { delta: { content?: string } }[] };
    yield choices[0]?.delta.content ?? "";
  }
}

/** The data of server-sent events. Where a piece of the body ends means nothing. */
async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += decoder.decode(value, { stream: true });
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const data = /^data: ?(.*)$/m.exec(text.slice(0, end))?.[1];
      text = text.slice(end + 2);
      if (data !== undefined) yield data;
    }
  }
}
