// Implements `touchstone attest`: makes the evidence of the machine that it runs in, once or for whoever asks.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { addMachineOptions } from "../machine-options.ts";
import { parseAddress, parseCount, parsePositive } from "../options.ts";

const SERVE_EXAMPLE = `
Example:
  touchstone attest serve --tls-key-spki /run/tls/cert.pem --collateral https://localhost:8081 \\
    --collect "nvattest collect-evidence --device gpu --nonce {nonce}" --revocation http://ocsp.ndis.nvidia.com`;

export function define(attest: Command, context: CliContext): void {
  addServe(attest, context);
}

function addServe(attest: Command, context: CliContext): void {
  const command = attest
    .command("serve")
    .description(
      "answer GET /.well-known/touchstone/evidence for a TLS front end in this machine; prints one line with its URL when it is ready",
    )
    .requiredOption("--tls-key-spki <file>", "public key or certificate of the front end, PEM or DER");
  addMachineOptions(command)
    .option("--listen <host:port>", "where to listen; port 0 takes a free one", parseAddress, {
      host: "127.0.0.1",
      port: 8788,
    })
    .option(
      "--requests-per-minute <number>",
      "requests that one client may make in a minute",
      parsePositive,
      60,
    )
    .option(
      "--trusted-proxies <number>",
      "proxies in front that append to X-Forwarded-For; 1 is the front end",
      parseCount,
      1,
    )
    .option("--refresh <minutes>", "fetch collateral and revocation again so often", parsePositive, 60)
    .addHelpText("after", SERVE_EXAMPLE)
    .action(async (options) => {
      const { runAttestServe } = await import("../actions/attest.ts");
      await runAttestServe(options, context);
    });
}
