// Asks for tokens where a pipeline gets them: GitHub's endpoint for its jobs, or a program that prints one.
import * as z from "zod";
import { runTool } from "../../node/run-tool.ts";
import { readAs } from "../../protocol/encoding/shape.ts";
import { decodeUtf8 } from "../../protocol/encoding/text.ts";
import { MAX_TOKEN_BYTES } from "../../protocol/envelope/dsse-format.ts";
import { parseJson } from "../../protocol/envelope/parse-json.ts";
import { MalformedError } from "../../protocol/errors.ts";
import { fetchAnswer } from "../../verifier/fetch-answer.ts";
import { RefusedError } from "../../verifier/service-errors.ts";

/** Gives a token for an audience. */
export type TokenSource = (audience: string) => Promise<string>;

const answer = z.object({ value: z.string() });

/**
 * The token endpoint of a GitHub Actions job, which `permissions: id-token: write` gives it.
 * @throws MalformedError where this is no such job.
 */
export function githubTokens(
  environment: Readonly<NodeJS.ProcessEnv>,
  fetch: typeof globalThis.fetch,
): TokenSource {
  const { ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: bearer } = environment;
  if (url === undefined || bearer === undefined)
    throw new MalformedError(
      "identity",
      "ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN are not set: run it in a GitHub Actions job with 'permissions: id-token: write'",
    );
  return async (audience) => {
    const target = new URL(url);
    target.searchParams.set("audience", audience);
    const tooLong = () => new MalformedError("token", "the endpoint's answer is too long");
    const init: RequestInit = { redirect: "manual", headers: { authorization: `Bearer ${bearer}` } };
    const { status, body } = await fetchAnswer(target.href, {
      fetch,
      limit: 2 * MAX_TOKEN_BYTES,
      tooLong,
      init,
    });
    if (status !== 200)
      throw new RefusedError(status, null, `the token endpoint of the job answered ${status}`);
    return readAs(answer, parseJson(body, 2 * MAX_TOKEN_BYTES), "token").value;
  };
}

/**
 * A program that prints a token for the audience that it is given as its last argument, such as
 * `buildkite-agent oidc request-token --audience`. It is run without a shell: no quotes, no variables.
 */
export function commandTokens(command: string, environment: Readonly<NodeJS.ProcessEnv>): TokenSource {
  const [program = "", ...args] = command.split(" ").filter((part) => part !== "");
  return async (audience) => {
    const output = await runTool(program, [...args, audience], {
      maxOutput: 2 * MAX_TOKEN_BYTES,
      environment,
    });
    return decodeUtf8(output).trim();
  };
}
