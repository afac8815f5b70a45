// A release whose key is kept by a program, and an envelope of a stock signer, from the command line to the log.
import { createPrivateKey, sign } from "node:crypto";
import { chmodSync, readFileSync } from "node:fs";
import { beforeAll, expect, it } from "vitest";
import { parseLeaf, preAuthEncoding } from "../../../src/protocol/envelope/dsse.ts";
import { releaseToml, smallWorld } from "./small-release.ts";

const world = smallWorld();

/** A program beside the release file, which signs with the publisher's key. */
beforeAll(async () => {
  const shown = await world.run(["key", "show", world.at("log/keys/publisher.pem")]);
  world.folder.write("publisher.pub", shown.said);
  const message = world.at("message");
  const path = world.folder.write(
    "bin/sign",
    `#!/bin/sh\ncat >${message}\nopenssl pkeyutl -sign -rawin -inkey ${world.at("log/keys/publisher.pem")} -in ${message}\n`,
  );
  chmodSync(path, 0o755);
});

it("is signed by the program that the release file names, from its folder", async () => {
  const keys = 'publisher = "cmd:publisher.pub bin/sign"';
  const file = world.folder.write("kept.toml", releaseToml({ version: "2.0", log: world.url(), keys }));
  const environment = { environment: process.env };
  expect((await world.run(["release", file, "--dry-run"], environment)).error).toBeNull();
  const { said, error } = await world.run(["release", file], environment);
  expect(error).toBeNull();
  expect(said).toContain("4 entries added");
});

it("is published from an envelope of a stock signer, and what was changed is said", async () => {
  const file = world.folder.write("stock.toml", releaseToml({ version: "3.0", log: world.url() }));
  await world.run(["release", file, "--prepare", world.at("stock")]);
  const payload = new Uint8Array(readFileSync(world.at("stock/linux.json")));
  const signature = sign(null, preAuthEncoding(payload), createPrivateKey(world.key("publisher")));
  const stock = (statement: Uint8Array) =>
    JSON.stringify({
      payload: Buffer.from(statement).toString("base64url"),
      payloadType: "application/vnd.in-toto+json",
      signatures: [{ sig: signature.toString("base64url"), cert: "none" }],
    });
  const envelope = world.folder.write("stock/linux.dsse.json", stock(payload));
  const publish = ["publish", envelope, "--to", world.url(), "--trust", world.at("log/trust-root.json")];
  const { said, error } = await world.run(publish);
  expect(error).toBeNull();
  expect(said).toContain(`${envelope}: member cert of signature 1 left out`);
  expect(said).toMatch(/signature 1 is by key [0-9a-f]{64}, which its keyid did not say/);
  expect(said).toContain("kernel-patch-set/acme/gold@3.0: entry");
  expect(parseLeaf(new Uint8Array(readFileSync(envelope))).payload).toEqual(payload);

  const pretty = new TextEncoder().encode(
    JSON.stringify(JSON.parse(new TextDecoder().decode(payload)), null, 1),
  );
  const other = world.folder.write("stock/pretty.dsse.json", stock(pretty));
  const refused = await world.run(["publish", other, "--to", world.url()]);
  expect(refused.error).toMatch(
    /pretty\.dsse\.json: .*the payload is what was signed and is never written anew/,
  );
});
