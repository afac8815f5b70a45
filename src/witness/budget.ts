// Limits how many checkpoints of one log are cosigned: each costs a synced write. The budget is a day's worth, which fills up again evenly.

const DAY_MS = 86_400_000;

interface Account {
  left: number;
  at: number;
}

export class Budget {
  readonly #accounts = new Map<string, Account>();

  /**
   * Takes one from the budget of a log.
   * @param perDay what it may have in a day, 1 or more; @param now milliseconds.
   * @returns false where nothing is left.
   */
  take(origin: string, perDay: number, now: number): boolean {
    const account = this.#accounts.get(origin) ?? { left: perDay, at: now };
    const earned = (Math.max(0, now - account.at) / DAY_MS) * perDay;
    const left = Math.min(perDay, account.left + earned);
    const isAllowed = left >= 1;
    this.#accounts.set(origin, { left: isAllowed ? left - 1 : left, at: now });
    return isAllowed;
  }
}
