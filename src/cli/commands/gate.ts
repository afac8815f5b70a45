// Implements `touchstone gate`: a local proxy for clients of any language, which sends nothing to the machine before it is appraised.
import { type Command, Option } from "commander";
import type { CliContext } from "../context.ts";
import { collect, parseAddress, parseDuration, parseName, parseUrl } from "../options.ts";
import { addTestingRoots } from "../testing-root-options.ts";

const HELP = `
Examples:
  touchstone gate --to https://llm.example --log https://log.example.com --policy production --trust trust-root.json \\
    --state state.json
  OPENAI_BASE_URL=http://127.0.0.1:8787/v1 python chat.py
  touchstone gate --once --to https://llm.example --log https://log.example.com --policy production --trust trust-root.json

While it runs: /.well-known/touchstone/verdict and /.well-known/touchstone/metrics of the proxy. A refusal is a 502 that says why.
Exit status of --once: 0 trusted, 1 rejected, 2 something given is wrong, 3 machine or log could not be reached.`;

const LISTEN = "127.0.0.1:8787";

export function define(command: Command, context: CliContext): void {
  command
    .requiredOption("--to <url>", "the machine: https, a host, and a port where it is not 443", parseUrl)
    .requiredOption("--log <url>", "base URL of the log", parseUrl)
    .requiredOption("--policy <name>", "the policy that says what is acceptable", parseName)
    .requiredOption("--trust <file>", "trust-root.json of the log: what you pin")
    .option("--state <file>", "what was remembered of this log; created on the first visit")
    .addOption(
      new Option("--listen <host:port>", "where clients send to")
        .argParser(parseAddress)
        .default(parseAddress(LISTEN), LISTEN),
    )
    .option("--listen-anywhere", "let --listen name an address that other machines reach")
    .option("--name <host>", "host that clients may call it by, beside localhost; may be repeated", collect)
    .addOption(duration("--max-verdict-age <time>", "ask for new evidence after so long", "10m"))
    .addOption(duration("--status-max-age <time>", "ask the log again after so long", "1m"))
    .addOption(
      duration("--timeout <time>", "for a connection, for evidence, for an answer of the log", "10s"),
    )
    .option("--web-pki", "want a certificate of a known authority, beside the evidence")
    .option("--ca <file>", "want a certificate of one of these authorities (PEM), beside the evidence")
    .option("--proxy <url>", "reach the machine through this HTTP proxy (CONNECT)", parseUrlWithPassword)
    .option("--once", "appraise the machine, say what comes out, and end");
  addTestingRoots(command, ["intel", "nvidia"])
    .addHelpText("after", HELP)
    .action(async (options) => {
      const { runGate } = await import("../actions/gate.ts");
      await runGate(options, context);
    });
}

function duration(flags: string, description: string, unlessGiven: string): Option {
  return new Option(flags, description)
    .argParser(parseDuration)
    .default(parseDuration(unlessGiven), unlessGiven);
}

/** Unlike a log, a proxy may ask for a password. */
function parseUrlWithPassword(text: string): string {
  if (!URL.canParse(text)) return parseUrl(text);
  const url = new URL(text);
  url.username = "";
  url.password = "";
  parseUrl(url.href);
  return text;
}
