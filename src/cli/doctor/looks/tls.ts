// Looks whether the others of a cluster would take what this process shows them, and for how long.
import { failedCheckOf } from "../../../node/mutual-tls/failed-check.ts";
import { shakeOwnHand } from "../../../node/mutual-tls/handshake.ts";
import { CLUSTER_TLS, readClusterTls } from "../../cluster-tls.ts";
import { fault, ok, type Remark, warning } from "../finding.ts";
import type { Look } from "../look.ts";
import { spell } from "../spell-time.ts";

/** Time in which somebody makes new ones, and restarts one process after the other. */
const SOON_SECONDS = 30 * 86_400;
const RENEW = "make new certificates (docs/cluster.md), and restart one process after the other";

export const tls: Look = {
  check: "tls",
  async look({ config, context }) {
    const credentials = readClusterTls(config, context);
    if (credentials === null) return [];
    const host = hostOf(config.cluster?.advertise);
    try {
      await shakeOwnHand(credentials, host);
    } catch (error) {
      const check = failedCheckOf(error);
      if (check === null) throw error;
      return [fault(`what ${CLUSTER_TLS} shows is not taken by ${CLUSTER_TLS}.ca: ${check}`, RENEW)];
    }
    return [judge(host, credentials.ends, context.now())];
  },
};

/** A process that nobody forwards to shows its certificate for no name. */
function hostOf(advertise: string | undefined): string | null {
  return advertise === undefined ? null : new URL(advertise).hostname.replace(/^\[(.*)\]$/, "$1");
}

function judge(host: string | null, ends: Date, now: Date): Remark {
  const left = (ends.getTime() - now.getTime()) / 1000;
  const detail = `${CLUSTER_TLS}.certificate is taken${host === null ? "" : ` for ${host}`}; the first certificate ends in ${spell(left)}`;
  return left < SOON_SECONDS ? warning(detail, RENEW) : ok(detail);
}
