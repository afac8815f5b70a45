// Finds the routes of a request. Those that are registered before any middleware answer by themselves: one regular expression finds them,
// and nothing that is registered later is looked for, since none of it would run.
import { METHOD_NAME_ALL, type Result, type Router } from "hono/router";
import { RegExpRouter } from "hono/router/reg-exp-router";
import { TrieRouter } from "hono/router/trie-router";

export class HotRouter<T> implements Router<T> {
  readonly name = "HotRouter";
  readonly #hot = new RegExpRouter<T>();
  /** All routes: the paths of some contradict each other in what a regular expression can say. */
  readonly #all = new TrieRouter<T>();
  #isHot = true;

  add(method: string, path: string, handler: T): void {
    if (method === METHOD_NAME_ALL) this.#isHot = false;
    if (this.#isHot) this.#hot.add(method, path, handler);
    this.#all.add(method, path, handler);
  }

  match(method: string, path: string): Result<T> {
    // RegExpRouter breaks on the empty path, which is what is left of a prefix alone.
    const hot = path === "" ? undefined : this.#hot.match(method, path);
    return hot !== undefined && hot[0].length > 0 ? hot : this.#all.match(method, path);
  }
}
