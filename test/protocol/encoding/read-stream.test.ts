// Reading a stream up to a limit.
import { expect, it } from "vitest";
import { readStream } from "../../../src/protocol/encoding/read-stream.ts";

/** A stream of these pieces that notes how it ended. */
function streamOf(pieces: readonly Uint8Array[], failure?: Error) {
  const seen = { cancelled: false };
  const left = [...pieces];
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const piece = left.shift();
        if (piece !== undefined) controller.enqueue(piece);
        else if (failure !== undefined) controller.error(failure);
        else controller.close();
      },
      cancel() {
        seen.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, seen };
}

const pieces = [Uint8Array.of(1, 2), Uint8Array.of(), Uint8Array.of(3, 4)];
const tooLong = () => new RangeError("too long");

it("joins the pieces, exactly as many as the limit", async () => {
  expect(await readStream(streamOf(pieces).stream, 4, tooLong)).toEqual(Uint8Array.of(1, 2, 3, 4));
});

it("takes no stream for an empty one", async () => {
  expect(await readStream(null, 4, tooLong)).toEqual(new Uint8Array());
  expect(await readStream(undefined, 4, tooLong)).toEqual(new Uint8Array());
});

it("refuses one byte more, and tells the sender to stop", async () => {
  const { stream, seen } = streamOf(pieces);
  await expect(readStream(stream, 3, tooLong)).rejects.toThrow(new RangeError("too long"));
  expect(seen.cancelled).toBe(true);
});

it("a stream that breaks off is an error, not a short body", async () => {
  const { stream } = streamOf(pieces, new Error("connection reset"));
  await expect(readStream(stream, 100, tooLong)).rejects.toThrow("connection reset");
});
