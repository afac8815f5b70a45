// A network that a test scripts: each request is answered by the next answer, the last one for ever.

export type Answer = (request: {
  url: string;
  init: RequestInit | undefined;
}) => Response | Promise<Response>;

export interface FakeNetwork {
  readonly fetch: typeof fetch;
  /** Every URL that was asked for. */
  readonly asked: string[];
}

export function fakeNetwork(...answers: readonly Answer[]): FakeNetwork {
  const asked: string[] = [];
  return {
    asked,
    fetch: async (input, init) => {
      const answer = answers[Math.min(asked.length, answers.length - 1)]!;
      const url = String(input);
      asked.push(url);
      return answer({ url, init });
    },
  };
}

export const status =
  (code: number, headers: Record<string, string> = {}, body = ""): Answer =>
  () =>
    new Response(body, { status: code, headers });

export const problem = (code: number, body: object, headers: Record<string, string> = {}): Answer =>
  status(code, { "content-type": "application/problem+json", ...headers }, JSON.stringify(body));

/** What fetch does when there is no connection. */
export const unreachable: Answer = () => {
  throw new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED 127.0.0.1:8080") });
};

/** A body that comes in pieces and may end in an error. */
export function streamed(pieces: readonly Uint8Array[], failure?: Error): Response {
  let next = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = pieces[next++];
      if (piece !== undefined) controller.enqueue(piece);
      else if (failure !== undefined) controller.error(failure);
      else controller.close();
    },
  });
  return new Response(body);
}
