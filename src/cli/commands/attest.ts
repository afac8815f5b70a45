// Implements `touchstone attest`: makes the evidence of the machine that it runs in, once or for whoever asks.
import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { addMachineOptions } from "../machine-options.ts";
import {
  collect,
  parseAddress,
  parseCount,
  parseHostName,
  parseNonce,
  parsePort,
  parsePositive,
} from "../options.ts";

const EXAMPLE = `
Examples:
  touchstone attest --channel-key /run/tls/cert.pem --nonce $NONCE --collateral collateral.json -o evidence.json
  touchstone attest --tls-key /run/tls/key.pem --name llm.example.com --collateral https://localhost:8081 \\
    --collect "nvattest collect-evidence --device gpu --nonce {nonce}" --revocation http://ocsp.ndis.nvidia.com \\
    -o /run/tls/cert.pem`;

const SERVE_EXAMPLE = `
Example:
  touchstone attest serve --tls-key-spki /run/tls/cert.pem --collateral https://localhost:8081 \\
    --collect "nvattest collect-evidence --device gpu --nonce {nonce}" --revocation http://ocsp.ndis.nvidia.com
  touchstone attest serve --tls llm.example --listen 0.0.0.0:443 --forward 8000 --collateral https://localhost:8081 \\
    --collect "nvattest collect-evidence --device gpu --nonce {nonce}" --revocation http://ocsp.ndis.nvidia.com`;

export function define(attest: Command, context: CliContext): void {
  attest
    .enablePositionalOptions()
    .option(
      "--channel-key <file>",
      "vouch for the key of a TLS channel: public key or certificate, PEM or DER",
    )
    .option("--hpke-key <hex>", "or for a raw HPKE public key")
    .option(
      "--tls-key <file>",
      "or for this private key (PEM), and write a certificate of it that carries the evidence",
    )
    .option("--name <host>", "host name in that certificate", parseHostName)
    .option("--days <number>", "days for which that certificate is valid", parsePositive, 30)
    .option("--nonce <hex>", "the verifier's challenge, 32 bytes; drawn unless given", parseNonce)
    .requiredOption("-o, --output <file>", "evidence.json, or the certificate; - is standard output");
  addMachineOptions(attest)
    .addHelpText("after", EXAMPLE)
    .action(async (options) => {
      const { runAttest } = await import("../actions/attest.ts");
      await runAttest(options, context);
    });
  addServe(attest, context);
}

function addServe(attest: Command, context: CliContext): void {
  const command = attest
    .command("serve")
    .description(
      "answer GET /.well-known/touchstone/evidence for a TLS front end in this machine, or be that front end; prints one line with its URL when it is ready",
    )
    .option("--tls-key-spki <file>", "public key or certificate of the front end, PEM or DER")
    .option(
      "--tls <name>",
      "end TLS here, by a key that is made now and kept in memory only, for this name or address; may be repeated",
      collect,
    )
    .option(
      "--forward <port>",
      "port of the service on 127.0.0.1: sealed requests are opened for it, and what comes over --tls is passed on",
      parsePort,
    )
    .option(
      "--authority <host[:port]>",
      "what clients call this machine in sealed requests, beside the names of --tls; may be repeated",
      collect,
      [],
    );
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
      "proxies in front that append to X-Forwarded-For; 1, which is the front end, unless TLS ends here",
      parseCount,
    )
    .option("--refresh <minutes>", "fetch collateral and revocation again so often", parsePositive, 60)
    .addHelpText("after", SERVE_EXAMPLE)
    .action(async (options) => {
      const { runAttestServe } = await import("../actions/attest.ts");
      await runAttestServe(options, context);
    });
}
