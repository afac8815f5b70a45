// The proxy that the environment names is used, or it is said that it is not.
import { describe, expect, it } from "vitest";
import { proxyingFetch } from "../../src/cli/proxy.ts";

const asking = async (environment: NodeJS.ProcessEnv, setProxy?: (env: NodeJS.ProcessEnv) => unknown) => {
  const warned: string[] = [];
  const ask = proxyingFetch(environment, (text) => void warned.push(text), setProxy as never);
  await ask("data:text/plain,x");
  await ask("data:text/plain,y");
  return { warned, ask };
};

describe("HTTPS_PROXY", () => {
  it.each(["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"])(
    "%s is handed to Node once, with the exceptions and the own machine",
    async (name) => {
      const given: NodeJS.ProcessEnv[] = [];
      await asking({ [name]: "http://proxy.example:3128", NO_PROXY: "intern.example" }, (env) =>
        given.push(env),
      );
      expect(given).toHaveLength(1);
      expect(given[0]).toMatchObject({
        [name]: "http://proxy.example:3128",
        NO_PROXY: "intern.example,localhost,127.0.0.1,[::1]",
      });
    },
  );

  it("is left to Node where it is told already, and to nobody where none is named", async () => {
    for (const environment of [
      { HTTPS_PROXY: "http://p", NODE_USE_ENV_PROXY: "1" },
      { HTTPS_PROXY: "" },
      {},
    ]) {
      const given: unknown[] = [];
      expect((await asking(environment, (env) => given.push(env))).ask).toBe(globalThis.fetch);
      expect(given).toEqual([]);
    }
  });

  it("is said once not to be used, and what helps, where Node cannot be told", async () => {
    const { warned } = await asking({ HTTPS_PROXY: "http://user:pw@proxy.example" }, null as never);
    expect(warned).toEqual([expect.stringContaining("HTTPS_PROXY is not used")]);
    expect(warned[0]).toContain("set NODE_USE_ENV_PROXY=1");
    expect(warned[0]).not.toContain("pw@");
  });
});
