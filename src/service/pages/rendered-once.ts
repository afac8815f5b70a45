// Renders a page at most once a second for each state of the log, however many ask for it.
import { LRUCache } from "lru-cache";
import type { Service } from "../service.ts";

/** Pages of different paths that are kept. */
const KEPT = 64;

interface Rendered<T> {
  readonly state: string;
  readonly page: Promise<T>;
}

export type RenderOnce<T> = (path: string, render: () => Promise<T>) => Promise<T>;

export function renderOnce<T>({ log, clock }: Pick<Service, "log" | "clock">): RenderOnce<T> {
  const kept = new LRUCache<string, Rendered<T>>({ max: KEPT });
  return (path, render) => {
    const second = Math.floor(clock().getTime() / 1000);
    const state = `${second}/${log.impediment()?.code}/${log.read.published()?.note}`;
    const last = kept.get(path);
    if (last?.state === state) return last.page;
    const rendered = { state, page: render() };
    kept.set(path, rendered);
    rendered.page.catch(() => {
      if (kept.get(path) === rendered) kept.delete(path);
    });
    return rendered.page;
  };
}
