// Reading a log over HTTP and from a folder: what is retried, what is nothing, what is refused, what is unreachable.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openSource } from "../../src/auditor/log-source.ts";
import { FileError } from "../../src/node/file-error.ts";
import { RefusedError, UnreachableError } from "../../src/verifier/service-errors.ts";

const answers = (...responses: Array<Response | Error>): typeof fetch & { asked: number } => {
  const fetch = async () => {
    const response = responses[fetch.asked++]!;
    if (response instanceof Error) throw response;
    return response;
  };
  fetch.asked = 0;
  return fetch;
};
const over = (fetch: typeof globalThis.fetch, retryDelaysMs: number[] = [1, 1]) =>
  openSource("https://log.example/prefix/", { fetch, retryDelaysMs });
const bytes = (...values: number[]) => new Response(Uint8Array.from(values));

describe("over HTTP", () => {
  it("asks below the prefix", async () => {
    let asked = "";
    const fetch: typeof globalThis.fetch = async (input) => {
      asked = String(input);
      return bytes(1, 2);
    };
    expect(await over(fetch)("tile/0/000")).toEqual(Uint8Array.of(1, 2));
    expect(asked).toBe("https://log.example/prefix/tile/0/000");
  });

  it.each([404, 410])("takes %i for nothing", async (status) => {
    expect(await over(answers(new Response(null, { status })))("checkpoint")).toBeUndefined();
  });

  it("tries again after a broken connection, a 429 and a 503", async () => {
    const busy = new Response(null, { status: 503 });
    const slower = new Response(null, { status: 429 });
    const fetch = answers(new Error("reset"), busy, slower, bytes(7));
    expect(await over(fetch, [1, 1, 1])("checkpoint")).toEqual(Uint8Array.of(7));
    expect(fetch.asked).toBe(4);
  });

  it("gives up in the end, with the last refusal, or because nobody answered", async () => {
    const refusing = answers(...Array.from({ length: 3 }, () => new Response(null, { status: 502 })));
    await expect(over(refusing)("checkpoint")).rejects.toMatchObject({ name: "RefusedError", status: 502 });
    const silent = answers(...Array.from({ length: 3 }, () => new Error("reset")));
    await expect(over(silent)("checkpoint")).rejects.toThrow(UnreachableError);
    expect([refusing.asked, silent.asked]).toEqual([3, 3]);
  });

  it("does not repeat what is forbidden or too long", async () => {
    const forbidden = answers(new Response(null, { status: 403 }));
    await expect(over(forbidden)("checkpoint")).rejects.toThrow(
      new RefusedError(403, null, "https://log.example/prefix/checkpoint: answered 403"),
    );
    const long = answers(new Response(new Uint8Array(8193)));
    await expect(over(long)("tile/0/000")).rejects.toMatchObject({ code: "answer-too-long" });
    expect(forbidden.asked + long.asked).toBe(2);
  });
});

describe("from a folder", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "touchstone-mirror-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const put = (path: string, content: Uint8Array) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  };
  const noFetch = answers();

  it("reads a path, and a file: URL", async () => {
    put("tile/0/000.p/1", Uint8Array.of(5));
    for (const prefix of [folder, pathToFileURL(folder).href]) {
      const read = openSource(prefix, { fetch: noFetch });
      expect(await read("tile/0/000.p/1")).toEqual(Uint8Array.of(5));
      expect(await read("tile/0/001")).toBeUndefined();
    }
  });

  it("does not read what is too long", async () => {
    put("tile/0/000", new Uint8Array(8193));
    await expect(openSource(folder, { fetch: noFetch })("tile/0/000")).rejects.toMatchObject({
      code: "answer-too-long",
    });
  });

  it.skipIf(process.platform === "win32")("waits for no pipe, and reads no device without end", async () => {
    put("tile/0/000", new Uint8Array(8192));
    execFileSync("mkfifo", [join(folder, "checkpoint")]);
    symlinkSync("/dev/zero", join(folder, "tile/0/001"));
    symlinkSync("000", join(folder, "tile/0/002"));
    mkdirSync(join(folder, "tile/0/003"));
    const read = openSource(folder, { fetch: noFetch });
    for (const path of ["checkpoint", "tile/0/001", "tile/0/003"])
      await expect(read(path)).rejects.toThrow(/it is not a file$/);
    expect(await read("tile/0/002")).toHaveLength(8192);
  });

  it("a folder that is not there is no empty log: its path is wrong", async () => {
    const read = openSource(join(folder, "none"), { fetch: noFetch });
    await expect(read("checkpoint")).rejects.toThrow(FileError);
  });
});
