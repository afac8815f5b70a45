import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { envelopeToJson } from "../../src/protocol/envelope/dsse.ts";
import { programOfBlock } from "../support/installed-program.ts";
import { whyNoPostgres } from "../support/postgres.ts";
import { type ClusterNode, ClusterWorld, PATIENT } from "./cluster-world.ts";

describe.skipIf(whyNoPostgres !== undefined)(
  `a copied configuration${whyNoPostgres === undefined ? "" : ` (skipped: ${whyNoPostgres})`}`,
  { timeout: 180_000 },
  () => {
    const program = programOfBlock();
    let world: ClusterWorld;

    beforeEach(async () => {
      world = await ClusterWorld.found(program());
    }, 180_000);
    afterEach(() => world.remove(), 60_000);

    const publish = async (node: ClusterNode) => world.observer.publish(node.url, await world.entry());
    const audit = async () => {
      for (const { url } of world.nodes.values()) await world.observer.audit(url);
    };
    /** What a publisher is told. */
    const told = async (node: ClusterNode) => {
      const response = await fetch(`${node.url}/v1/entries`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(envelopeToJson(await world.entry())),
      });
      return response.json();
    };
    const cause = expect.objectContaining({
      code: "log-stopped",
      detail: expect.stringContaining("give each process a cluster.advertise of its own"),
    });

    it("of another machine is told of by the one that does not lead, and by whoever is sent to it", async () => {
      const original = await world.start("a");
      await world.publishUntilTaken(original);
      const copy = await world.start("copy", { says: { id: "a", addressOf: "a" } });
      await expect.poll(() => copy.ready(), PATIENT).toBe("503 log-stopped");
      expect(await told(copy)).toEqual(cause);
      expect(copy.said).toContain("cluster.advertise");
      const reader = await world.start("reader", { role: "read" });
      expect([await publish(reader), await original.ready()]).toEqual(["201", "200 null"]);
      await audit();

      // The next one leads where the others do not find it: they find the one that was there before.
      await world.end("a", "SIGKILL");
      await world.publishUntilTaken(copy);
      expect(await copy.ready()).toBe("200 null");
      const back = await world.start("a", { says: { portOf: "a" } });
      await expect.poll(() => back.ready(), PATIENT).toBe("503 log-stopped");
      expect(await told(back)).toEqual(cause);
      await audit();
    });

    it("with another address, and the same id, works as one with an id of its own", async () => {
      const nodes = [await world.start("a"), await world.start("copy", { says: { id: "a" } })];
      for (const node of nodes) await world.publishUntilTaken(node);
      for (const node of nodes)
        expect([await publish(node), await node.ready()]).toEqual(["201", "200 null"]);
      await audit();
      await world.end("a", "SIGKILL");
      await world.publishUntilTaken(nodes[1]!);
      await audit();
    });

    it("of one machine is refused, since its port is taken", async () => {
      await world.start("a");
      await expect(world.start("copy", { says: { id: "a", portOf: "a" } })).rejects.toThrow(
        /EADDRINUSE|in use/,
      );
    });
  },
);
