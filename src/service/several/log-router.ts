// Finds the log that a request is for, where one process serves several: by the host that it names, and the longest path in front of its own.
import { MalformedError } from "../../protocol/errors.ts";

/** Where clients reach a log. */
export interface LogPlace {
  /** Host and port, as `hostOf` writes them. */
  readonly host: string;
  /** What stands in front of every path, without a slash at the end; "" for nothing. */
  readonly prefix: string;
}

export type Route<T> = LogPlace & { readonly log: T };

/** @throws MalformedError for a path that could be written in several ways. */
export function placeOf(url: string): LogPlace {
  const { host, pathname, search, hash } = new URL(url);
  const prefix = pathname.replace(/\/+$/, "");
  if (!/^(?:\/[A-Za-z0-9._~-]+)*$/.test(prefix) || search !== "" || hash !== "")
    throw new MalformedError(
      "configuration",
      "several logs are told apart by it: its path may have parts of letters, digits and -._~ with one slash between them, and nothing after it",
      "url",
    );
  return { host: hostOf(host), prefix };
}

/**
 * One name for each host: in lower case, without a dot at the end, and without a port that stands for http or https, since who ends TLS in
 * front of this process may name either of them or none.
 */
function hostOf(authority: string): string {
  const [, name = "", port = ""] = /^(\[[^\]]*\]|[^:]*?)\.?(?::(\d*))?$/.exec(authority.toLowerCase()) ?? [];
  return port === "" || port === "80" || port === "443" ? name : `${name}:${port}`;
}

export class LogRouter<T> {
  /** By host; the longest prefix first. */
  readonly #hosts = new Map<string, Array<Route<T>>>();

  /** @throws MalformedError for a URL that is not of this use. */
  constructor(logs: ReadonlyArray<{ readonly url: string; readonly log: T }>) {
    for (const { url, log } of logs) {
      const place = placeOf(url);
      this.#hosts.set(place.host, [...(this.#hosts.get(place.host) ?? []), { ...place, log }]);
    }
    for (const routes of this.#hosts.values()) routes.sort((a, b) => b.prefix.length - a.prefix.length);
  }

  /**
   * @param url of a request, as a URL parser leaves it: without dot segments, and with a slash after the host.
   * @returns "host" where no log is under that host, and "path" where none of those that are is under that path.
   */
  find(url: string): Route<T> | "host" | "path" {
    const begin = url.indexOf("//") + 2;
    const slash = url.indexOf("/", begin);
    const authority = url.slice(begin, slash);
    // Nearly every client names the host as the URL of the log does.
    const routes = this.#hosts.get(authority) ?? this.#hosts.get(hostOf(authority));
    if (routes === undefined) return "host";
    for (const route of routes)
      if (url.startsWith(route.prefix, slash) && endsAt(url, slash + route.prefix.length)) return route;
    return "path";
  }
}

/** Whether a path may be cut here: /prod is no prefix of /production. */
function endsAt(url: string, at: number): boolean {
  return at === url.length || "/?#".includes(url.charAt(at));
}

/** Whether a request is for the prefix itself, without the slash behind it, to which links of pages are relative. */
export function lacksSlash(url: string, { prefix }: LogPlace): boolean {
  const slash = url.indexOf("/", url.indexOf("//") + 2);
  return prefix !== "" && url.charAt(slash + prefix.length) !== "/";
}
