// Tells who waits of what is new in a log: where notices come of it, and where it is read that may be a replica.
import { setTimeout as sleep } from "node:timers/promises";
import type { Seen } from "../log-store.ts";

/** Waits for something newer than what was seen. */
export interface Notices {
  changed(seen: Seen, timeoutMs: number, signal: AbortSignal): Promise<void>;
  close(): void;
}

interface Told {
  size: number;
  cosignedAt: number;
}

/** What is told of before anything is known. */
const NOTHING: Readonly<Told> = { size: -1, cosignedAt: -1 };

interface Hooks {
  look(): Promise<Seen>;
  onWait(): void;
  onClose(): void;
}

/** Of one log, as a Listener hears of them. */
export class LogNotices implements Notices {
  readonly schema: string;
  readonly #hooks: Hooks;
  readonly #closing = new AbortController();
  /** What notices, which come in the order of commits, have told of last: a later checkpoint may have an earlier time. */
  #told: Told = { ...NOTHING };
  readonly #wakes = new Set<() => void>();
  /** Notices that came, and those among them that who waits was woken for. */
  #heard = 0;
  #answered = 0;
  /** Whether what came before the notices is looked up. */
  #hasBegun = false;

  constructor(schema: string, hooks: Hooks) {
    this.schema = schema;
    this.#hooks = hooks;
  }

  async changed(seen: Seen, timeoutMs: number, signal: AbortSignal): Promise<void> {
    this.#hooks.onWait();
    // Of one second there may be several checkpoints: one that came while the last was read says nothing newer, and is new.
    const isUnanswered = this.#heard > this.#answered;
    this.#answered = this.#heard;
    if (isUnanswered || this.#told.size > seen.size || this.#told.cosignedAt > (seen.cosignedAt ?? 0)) return;
    let wake = () => {};
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    this.#wakes.add(wake);
    const over = AbortSignal.any([signal, this.#closing.signal]);
    const timeout = sleep(timeoutMs, undefined, { signal: over, ref: false }).catch(() => undefined);
    await Promise.race([woken, timeout]);
    this.#wakes.delete(wake);
    this.#answered = this.#heard;
  }

  /** Called from when on notices come, as often as that may be: what came while nobody listened is looked up. */
  begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    const told = { ...NOTHING };
    this.#told = told;
    const looked = this.#hooks.look().then((seen) => this.#fill(told, seen));
    void looked.catch(() => undefined).then(() => this.#wakeAll());
  }

  /** Called when none come any more: a server that takes the place of another may have less than what was told. */
  end(): void {
    this.#hasBegun = false;
    this.#told = { ...NOTHING };
    this.#wakeAll();
  }

  /** @param cosignedAt of a checkpoint; 0 tells of an append. */
  hear({ size, cosignedAt }: { readonly size: number; readonly cosignedAt: number }): void {
    this.#heard++;
    if (cosignedAt === 0) this.#told.size = size;
    else this.#told.cosignedAt = cosignedAt;
    this.#wakeAll();
  }

  close(): void {
    this.#closing.abort();
    this.#hooks.onClose();
  }

  /** What notices have told of meanwhile is no older than what was looked up. */
  #fill(told: Told, { size, cosignedAt }: Seen): void {
    this.#heard++;
    if (told.size === NOTHING.size) told.size = size;
    if (told.cosignedAt === NOTHING.cosignedAt) told.cosignedAt = cosignedAt ?? 0;
  }

  #wakeAll(): void {
    for (const wake of this.#wakes) wake();
    this.#wakes.clear();
  }
}

const REPLAY_MS = 250;

/** Of what a replica shows, which cannot be listened to: it is asked again and again after the primary has told of more than it has. */
export class ReplicaNotices implements Notices {
  readonly #primary: Notices;
  readonly #look: () => Promise<Seen>;

  /** @param look what the replica has now. */
  constructor(primary: Notices, look: () => Promise<Seen>) {
    this.#primary = primary;
    this.#look = look;
  }

  async changed(seen: Seen, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const end = performance.now() + timeoutMs;
    for (let left = timeoutMs; left > 0 && !signal.aborted; left = end - performance.now()) {
      // A replica that does not answer has nothing to tell.
      const now = await this.#look().catch(() => seen);
      if (now.size !== seen.size || now.cosignedAt !== seen.cosignedAt) return;
      await this.#primary.changed(seen, left, signal);
      const rest = Math.max(0, end - performance.now());
      await sleep(Math.min(rest, REPLAY_MS), undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  close(): void {
    this.#primary.close();
  }
}
