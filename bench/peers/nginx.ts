// Runs nginx over the bytes that the service answered, as files: what a web server that knows nothing of logs makes of them.
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import type { Recorded } from "../servers/floor-static.ts";
import { type Served, servedBy } from "../servers.ts";

/** As root nginx would change to a user who may not read what root has made. */
const USER = process.getuid?.() === 0 ? "user root;" : "";
const READY_WITHIN_MS = 10_000;
const CONFIG = (port: number) => `
${USER}
worker_processes auto;
pid nginx.pid;
error_log stderr warn;
events { worker_connections 4096; }
http {
  access_log off;
  sendfile on;
  keepalive_requests 1000000000;
  open_file_cache max=100;
  default_type application/octet-stream;
  server { listen 127.0.0.1:${port} backlog=4096; root files; gzip_static on; }
}
`;

/** @param answers by path; those in gzip are kept as such. */
export async function startNginx(
  folder: string,
  answers: Readonly<Record<string, Recorded>>,
): Promise<Served> {
  for (const [path, { headers, body }] of Object.entries(answers)) {
    const ending = headers["content-encoding"] === "gzip" ? ".gz" : "";
    const file = join(folder, "files", `${path}${ending}`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, Buffer.from(body, "base64"));
  }
  const port = await freePort();
  writeFileSync(join(folder, "nginx.conf"), CONFIG(port));
  const begun = performance.now();
  const args = ["-p", `${folder}/`, "-c", "nginx.conf", "-g", "daemon off;"];
  const child = spawn("nginx", args, { stdio: "inherit" });
  const server = servedBy(child, `http://127.0.0.1:${port}`, 0);
  while (!(await isReady(server.url + Object.keys(answers)[0]))) {
    if (child.exitCode !== null || performance.now() - begun > READY_WITHIN_MS)
      throw new Error("nginx does not serve what it was given");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return server;
}

async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? (address?.port ?? 0) : 0));
    });
  });
}
