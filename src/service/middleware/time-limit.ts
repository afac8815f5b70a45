// Gives a request up after a while. What it started goes on: an entry that was queued may still be added, and repeating the call
// will show it.
import type { MiddlewareHandler } from "hono";
import { RequestProblem } from "../problem.ts";

export function timeLimit(seconds: number): MiddlewareHandler {
  return async function timeLimit(_, next) {
    let timer: NodeJS.Timeout | undefined;
    const timedOut = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(
          new RequestProblem(
            "timed-out",
            `no answer within ${seconds} s; repeat the call to learn its outcome`,
          ),
        );
      }, seconds * 1000);
    });
    try {
      await Promise.race([next(), timedOut]);
    } finally {
      clearTimeout(timer);
    }
  };
}
