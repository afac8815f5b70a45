// What processes forward goes over TLS 1.3 between ends that each show a certificate of one authority. Where a check fails nothing
// gets through, and the log of the end that made it names it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fetchShowing } from "../../src/node/mutual-tls/fetch.ts";
import { envelopeToJson } from "../../src/protocol/envelope/dsse.ts";
import { FORWARDED_BY, FORWARDED_ORIGIN } from "../../src/service/cluster/forwarded-app.ts";
import { ClusterAuthority, type TestCredentials } from "../support/cluster-certificates.ts";
import { installProgram } from "../support/installed-program.ts";
import { whyNoPostgres } from "../support/postgres.ts";
import { ORIGIN } from "../support/witnesses.ts";
import { type ClusterNode, ClusterWorld, PATIENT, SECRET } from "./cluster-world.ts";

describe.skipIf(whyNoPostgres !== undefined)(
  `processes that show each other certificates${whyNoPostgres === undefined ? "" : ` (skipped: ${whyNoPostgres})`}`,
  { timeout: 180_000 },
  () => {
    let folder: string;
    let world: ClusterWorld;
    let authority: ClusterAuthority;
    let others: ClusterAuthority;
    let leader: ClusterNode;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "touchstone-program-"));
      world = await ClusterWorld.found(await installProgram(join(folder, "program")));
      [authority, others] = [await ClusterAuthority.make(), await ClusterAuthority.make()];
      leader = await world.start("a", { tls: await authority.certify() });
      await world.publishUntilTaken(leader);
    }, 180_000);
    afterAll(async () => {
      await world.remove();
      rmSync(folder, { recursive: true });
    });

    const publish = async ({ url }: ClusterNode) => world.observer.publish(url, await world.entry());

    it("forward to the one that leads, whichever that is", async () => {
      const follower = await world.start("b", { tls: await authority.certify() });
      expect(await publish(follower)).toBe("201");
      await world.end("a", "SIGTERM");
      await world.publishUntilTaken(follower);
      leader = await world.start("a", { tls: await authority.certify() });
      expect(await publish(leader)).toBe("201");
      await world.end("b", "SIGTERM");
      await world.publishUntilTaken(leader);
      await world.observer.audit(leader.url);
      expect(leader.said).not.toContain("another process is not");
    });

    /** Sends an entry to the port of the one that leads. */
    const send = async (scheme: string, fetchBy: typeof fetch, secret = SECRET) => {
      const response = await fetchBy(`${scheme}://127.0.0.1:${world.forwardingPort("a")}/v1/entries`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${secret}`,
          [FORWARDED_BY]: "me",
          [FORWARDED_ORIGIN]: encodeURIComponent(ORIGIN),
          "content-type": "application/json",
        },
        body: JSON.stringify(envelopeToJson(await world.entry())),
      });
      return response.status;
    };

    it("let nobody in who shows none, or speaks no TLS, and demand the secret of who shows one", async () => {
      await expect(send("http", fetch)).rejects.toThrow();
      await expect
        .poll(() => leader.said, PATIENT)
        .toContain("not let in: the other end speaks HTTP without TLS");
      const { ca } = await authority.certify();
      const nothing = fetchShowing({ ca, ends: new Date() } as never);
      await expect(send("https", nothing)).rejects.toThrow();
      await expect
        .poll(() => leader.said, PATIENT)
        .toContain("not let in: the other end shows no certificate");
      const known = fetchShowing({ ...(await authority.certify()), ends: new Date() });
      expect([await send("https", known, "x".repeat(32)), await send("https", known)]).toEqual([404, 201]);
    });

    it.each<
      [what: string, tls: () => Promise<TestCredentials | undefined>, leaderSays: string, says: string]
    >([
      [
        "an expired certificate",
        () => authority.certify({ days: [-9, -1] }),
        "not let in: the other end's certificate, or that of its authority, has expired",
        "",
      ],
      [
        "a certificate of another authority",
        async () => ({ ...(await others.certify()), ca: authority.pem }),
        "not let in: the other end's certificate is not one of the authority",
        "",
      ],
      [
        "another authority",
        async () => ({ ...(await authority.certify()), ca: others.pem }),
        "",
        "not connected to: the other end's certificate is not one of the authority",
      ],
      ["no certificate", async () => undefined, "", "not connected to: "],
    ])("are not reached by one with %s, and it is said why", async (_, tls, leaderSays, says) => {
      const credentials = await tls();
      const node = await world.start("c", { role: "read", ...(credentials && { tls: credentials }) });
      expect(await publish(node)).toBe("503 no-leader");
      await expect.poll(() => leader.said, PATIENT).toContain(leaderSays);
      await expect.poll(() => node.said, PATIENT).toContain(says);
      expect((await node.get("/checkpoint")).status).toBe(200);
      await world.end("c", "SIGTERM");
    });
  },
);
