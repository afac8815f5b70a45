// Serves a made-up provider of identities on this machine: its discovery document, its keys, and the endpoint from which GitHub's jobs get
// their tokens.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type FakeProvider, releaseClaims } from "./provider.ts";

export const BEARER = "the-job-s-own-secret";

export class ProviderServer {
  readonly #server: Server;
  /** Whose keys are published; the last one signs. */
  providers: readonly FakeProvider[];
  /** How its tokens differ from those of the release workflow. */
  claims: Record<string, unknown> = {};

  private constructor(server: Server, providers: readonly FakeProvider[]) {
    this.#server = server;
    this.providers = providers;
  }

  static async start(providers: readonly FakeProvider[]): Promise<ProviderServer> {
    const server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? "", own.issuer);
      const mayAsk = request.headers.authorization === `Bearer ${BEARER}`;
      void own.#answer(pathname, searchParams, mayAsk).then((value) => {
        response.writeHead(value === undefined ? 404 : 200, { "content-type": "application/json" });
        response.end(JSON.stringify(value ?? {}));
      });
    });
    const own = new ProviderServer(server, providers);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return own;
  }

  get issuer(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What a job finds in its environment. */
  get environment(): NodeJS.ProcessEnv {
    return {
      ACTIONS_ID_TOKEN_REQUEST_URL: `${this.issuer}/token?api-version=2`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: BEARER,
    };
  }

  async #answer(path: string, query: URLSearchParams, mayAsk: boolean): Promise<unknown> {
    if (path === "/.well-known/openid-configuration")
      return { issuer: this.issuer, jwks_uri: `${this.issuer}/jwks` };
    if (path === "/jwks")
      return { keys: this.providers.map(({ key }) => ({ ...key, use: "sig", x5t: "a member more" })) };
    if (path !== "/token" || !mayAsk) return undefined;
    const claims = { ...releaseClaims(new Date()), iss: this.issuer, ...this.claims };
    return { value: await this.providers.at(-1)?.token({ ...claims, aud: query.get("audience") }) };
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
