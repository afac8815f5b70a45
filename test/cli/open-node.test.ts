// A process of a cluster says what it lacks, before it opens anything.
import { describe, expect, it } from "vitest";
import type { LogContext } from "../../src/cli/open-log.ts";
import { openNode } from "../../src/cli/open-node.ts";
import { NO_OBSERVER } from "../../src/log/observer.ts";
import { parseConfig } from "../../src/service/config.ts";

const CLUSTER = {
  advertise: 'advertise = "http://10.0.0.5:8444"',
  listen: "listen = { port = 8444 }",
  secret: 'secret = "env:SECRET"',
};

/** A configuration whose cluster lacks one value. */
function lacking(name: keyof typeof CLUSTER) {
  const given = Object.entries(CLUSTER).filter(([other]) => other !== name);
  const text = `
origin = "log.example/test"
url = "https://log.example"
listen = { port = 8080 }
storage = { database = "log.db", highWater = "high-water" }
keys = { log = "log.key" }
[cluster]
id = "a"
${given.map(([, line]) => line).join("\n")}
`;
  return parseConfig(text, "/nowhere/touchstone.toml", {});
}

describe("a process of a cluster that may lead", () => {
  it.each(["advertise", "listen", "secret"] as const)("is refused without cluster.%s", async (name) => {
    const opening = openNode(lacking(name), "all", {} as LogContext, {
      observer: NO_OBSERVER,
      arrivals: () => 0,
    });
    await expect(opening).rejects.toThrow(`cluster.${name}`);
    await expect(opening).rejects.toMatchObject({ name: "MalformedError" });
  });
});
