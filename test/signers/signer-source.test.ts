// How a user names a key, and what becomes of it in a file of another folder.
import { describe, expect, it } from "vitest";
import { absoluteSource, parseSignerSource } from "../../src/node/signing/signer-source.ts";

describe("the source of a signature", () => {
  it.each([
    ["keys/a.pem", "/etc/t/keys/a.pem"],
    ["/keys/a.pem", "/keys/a.pem"],
    ["env:KEY", "env:KEY"],
    ["-", "-"],
    ["cmd:a.pub sign  one two", "cmd:/etc/t/a.pub sign one two"],
    ["cmd:/a.pub bin/sign ./arg", "cmd:/a.pub /etc/t/bin/sign ./arg"],
    ["ssh-agent:SHA256:abc", "ssh-agent:SHA256:abc"],
    ["ssh-agent:id.pub", "ssh-agent:/etc/t/id.pub"],
    ["pkcs11:object=a?module-path=/x.so", "pkcs11:object=a?module-path=/x.so"],
  ])("%s is found from the folder of its file", (source, absolute) => {
    expect(absoluteSource(source, "/etc/t")).toBe(absolute);
  });

  it("that would be split in the name of a folder is refused", () => {
    expect(() => absoluteSource("cmd:a.pub sign", "/etc/my keys")).toThrow(/has a space in it/);
    expect(absoluteSource("cmd:/a.pub sign", "/etc/my keys")).toBe("cmd:/a.pub sign");
  });

  it("that is a key itself is not repeated", () => {
    const key = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAAA\n-----END PRIVATE KEY-----";
    for (const source of [key, `cmd:a.pub sign ${key}`, `pkcs11:${key}`])
      expect(() => parseSignerSource(source)).toThrow(/the key itself was given/);
  });
});
