// The add-checkpoint requests of FiloSottile/sunlight, in their order, to a witness of ours over its real routes.
import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { encodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { parseVerifierKey } from "../../src/protocol/note/key.ts";
import { witnessKey } from "../support/notes.ts";
import { describeReal, realJson } from "../support/real-data.ts";
import { WitnessHarness } from "./witness-harness.ts";

interface State {
  readonly size: number;
  readonly root: string;
}

interface Vectors {
  readonly origin: string;
  readonly logVkey: string;
  readonly witnessName: string;
  readonly path: string;
  readonly requests: ReadonlyArray<{
    readonly name: string;
    readonly body: string;
    readonly status: number;
    readonly alsoAllowedStatus?: readonly number[];
    readonly responseBody?: string;
    readonly responseBodyStartsWith?: string;
    readonly responseContentType?: string;
    readonly before: State;
    readonly after: State;
  }>;
}

const EMPTY: State = { size: 0, root: "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" };

describeReal("vectors/witness/add-checkpoint.json", () => {
  it("11 requests are answered with their status and body, and leave the state that they name", async () => {
    const { origin, logVkey, witnessName, requests } = realJson<Vectors>(
      "vectors/witness/add-checkpoint.json",
    );
    const harness = await WitnessHarness.make({
      logs: [{ origin, keys: [parseVerifierKey(logVkey)], perDay: undefined }],
      keys: [await witnessKey(witnessName)],
    });
    const state = (): State => {
      const found = harness.store.find(origin);
      return found === undefined ? EMPTY : { size: found.size, root: encodeBase64(found.root) };
    };
    for (const request of requests) {
      expect(state(), `before ${request.name}`).toEqual(request.before);
      const response = await harness.post(request.body);
      const body = await response.text();
      expect([request.status, ...(request.alsoAllowedStatus ?? [])], request.name).toContain(response.status);
      if (request.responseBody !== undefined) expect(body).toBe(request.responseBody);
      expect(body.startsWith(request.responseBodyStartsWith ?? "")).toBe(true);
      if (request.responseContentType !== undefined)
        expect(response.headers.get("content-type")).toBe(request.responseContentType);
      expect(state(), `after ${request.name}`).toEqual(request.after);
    }
    expect(requests).toHaveLength(11);
    const digest = createHash("sha256").update(origin).digest("hex");
    expect(await (await harness.get(`/${digest}/checkpoint`)).text()).toMatch(/\n5\n/);
    harness.stop();
  });
});
