// What the service answers on a path, to be sent again by a server that does nothing else.
import { writeFileSync } from "node:fs";
import { request } from "node:http";
import type { Recorded } from "./servers/floor-static.ts";
import type { Served } from "./servers.ts";

/** Headers that node:http writes by itself. */
const OWN = new Set(["date", "connection", "keep-alive", "transfer-encoding"]);

/** Asks for every path once and writes the answers to a file, as the servers of this folder read them. */
export async function record(
  server: Served,
  paths: readonly string[],
  headers: Readonly<Record<string, string>>,
  file: string,
): Promise<void> {
  const answers: Record<string, Recorded> = {};
  for (const path of paths) answers[path] = await ask(server.url + path, headers);
  writeFileSync(file, JSON.stringify(answers));
}

/** As it comes over the wire: nothing is decompressed. */
function ask(url: string, headers: Readonly<Record<string, string>>): Promise<Recorded> {
  return new Promise((resolve, reject) => {
    request(url, { headers }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${url} answered ${response.statusCode}`));
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const kept = Object.entries(response.headers).filter(([name]) => !OWN.has(name));
        resolve({
          headers: Object.fromEntries(kept) as Record<string, string>,
          body: Buffer.concat(chunks).toString("base64"),
        });
      });
    })
      .on("error", reject)
      .end();
  });
}
