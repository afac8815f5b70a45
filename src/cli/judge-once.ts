// Prepares for a command that judges one thing and ends.

/**
 * Has zod run its validators as they are: compiling them takes longer than one run of them saves. Must be called before zod is loaded,
 * which reads this when it begins (`z.config({ jitless: true })` says the same to one that is loaded already).
 */
export function judgeOnce(): void {
  Object.assign(globalThis, { __zod_globalConfig: { jitless: true } });
}
