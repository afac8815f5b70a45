// git as tests use it: no configuration but the repository's own, and times that do not move.
import { execFileSync } from "node:child_process";

const ENVIRONMENT = {
  ...process.env,
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_AUTHOR_NAME: "A U Thor",
  GIT_AUTHOR_EMAIL: "author@example.com",
  GIT_COMMITTER_NAME: "C O Mitter",
  GIT_COMMITTER_EMAIL: "committer@example.com",
  GIT_AUTHOR_DATE: "2026-02-03T10:00:00+01:00",
  GIT_COMMITTER_DATE: "2026-02-04T10:00:00+01:00",
};

export function git(repository: string, args: readonly string[], input?: string | Uint8Array): string {
  return execFileSync("git", ["-C", repository, ...args], { env: ENVIRONMENT, input, encoding: "utf8" });
}
