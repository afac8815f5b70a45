// Chromium for tests and benches: which one, how it is started, and what is observed in an appraisal page.

export const CHROMIUM = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium";
export const CHROMIUM_FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Runs in the page before its own code: a clock that stands still until `moveClock` turns it. */
export function fixClock(now: number): void {
  let time = now;
  globalThis.Date = new Proxy(Date, {
    construct: (target, args) => Reflect.construct(target, args.length === 0 ? [time] : args),
  });
  Object.assign(globalThis, {
    moveClock: (ms: number) => {
      time += ms;
    },
  });
}

/**
 * Runs in the page before its own code: a fixed clock and challenge, and a note of every verification. `measure()` waits for the verdict in
 * the page: Playwright's own waiting runs code there too, on the thread that verifies.
 */
export function observePage({ now, nonce }: { now: number; nonce: number[] }): void {
  const Clock = Date;
  globalThis.Date = new Proxy(Clock, {
    construct: (target, args) => Reflect.construct(target, args.length === 0 ? [now] : args),
  });
  crypto.getRandomValues = (array) => {
    if (array instanceof Uint8Array) array.set(nonce);
    return array;
  };
  const calls: Parameters<SubtleCrypto["verify"]>[] = [];
  const verify = crypto.subtle.verify.bind(crypto.subtle);
  crypto.subtle.verify = (...args) => {
    calls.push(args);
    return verify(...args);
  };
  const judged = new Promise<{ verdict: string; endedAt: number }>((resolve) => {
    new MutationObserver(() => {
      const verdict = document.body?.dataset.verdict;
      if (verdict !== undefined) resolve({ verdict, endedAt: performance.now() });
    }).observe(document, { subtree: true, childList: true, attributes: true });
  });
  Object.assign(globalThis, {
    measure: async () => {
      const found = await judged;
      const start = performance.now();
      for (const args of calls) await verify(...args);
      return { ...found, verificationMs: performance.now() - start, verifications: calls.length };
    },
  });
}
