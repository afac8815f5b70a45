// Hands requests of Node's own classes to undici's fetch, which knows the classes of its own copy only: a Request or a FormData of another
// one it would take for a text.

/** A URL and what goes with it, for undici's `fetch`, that mean what these arguments mean to Node's. Bodies that are streams stay unread. */
export async function forUndici(
  input: string | URL | Request,
  init: RequestInit = {},
): Promise<[url: string, init: RequestInit]> {
  if (!(input instanceof Request)) return [String(input), await withoutForm(init)];
  const { url, method, headers, body, signal } = input;
  const own = { method, headers, signal, ...(body !== null && { body, duplex: "half" as const }) };
  return [url, { ...own, ...(await withoutForm(init)) }];
}

/** A form is written as its bytes, so that its length is known. */
async function withoutForm(init: RequestInit): Promise<RequestInit> {
  if (!(init.body instanceof FormData)) return init;
  const written = new Response(init.body);
  const headers = new Headers(init.headers);
  headers.set("content-type", written.headers.get("content-type") ?? "multipart/form-data");
  return { ...init, headers, body: new Uint8Array(await written.arrayBuffer()) };
}
