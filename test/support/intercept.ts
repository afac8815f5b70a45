// Replaces methods of an object and leaves the rest: how tests make one step of the log fail.

/** `target` with some of its methods replaced; the others still belong to it. */
export function intercept<T extends object>(target: T, replaced: Partial<T>): T {
  return new Proxy(target, {
    get(object, key) {
      const value = Reflect.get(key in replaced ? replaced : object, key) as unknown;
      return typeof value === "function" ? value.bind(object) : value;
    },
  });
}

/** A fault that a test switches on: it fails the next `count` calls, before or after the step was really done. */
export class Fault {
  #left = 0;
  #after = false;

  arm(count: number, when: "before" | "after" = "before"): void {
    this.#left = count;
    this.#after = when === "after";
  }

  async around<T>(step: () => Promise<T>): Promise<T> {
    if (this.#left === 0) return step();
    this.#left--;
    if (this.#after) await step();
    throw Object.assign(new Error("injected fault"), { code: "EIO" });
  }
}
