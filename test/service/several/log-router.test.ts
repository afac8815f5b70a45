// A request finds its log by the host that it names and the longest path in front of its own, however both are written.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LogRouter, lacksSlash, placeOf } from "../../../src/service/several/log-router.ts";

const router = new LogRouter(
  [
    "https://log.example.com",
    "https://log.example.com/prod",
    "https://log.example.com/prod/eu/",
    "https://other.example/a.b~c",
    "http://ports.example:8080",
    "http://[2001:db8::1]:8080/v6",
    "https://münchen.example",
  ].map((url) => ({ url, log: url })),
);

/** As Node's HTTP server and a URL parser hand it over. */
function find(url: string): string {
  const found = router.find(new URL(url).href);
  return typeof found === "string" ? found : found.log;
}

describe("a log is found", () => {
  it.each([
    ["http://log.example.com/checkpoint", "https://log.example.com"],
    ["http://LOG.Example.COM/checkpoint", "https://log.example.com"],
    ["http://log.example.com./checkpoint", "https://log.example.com"],
    ["http://log.example.com:80/", "https://log.example.com"],
    ["http://log.example.com:443/", "https://log.example.com"],
    ["http://log.example.com.:443/", "https://log.example.com"],
    ["http://log.example.com/prod", "https://log.example.com/prod"],
    ["http://log.example.com/prod?x=/prod/eu", "https://log.example.com/prod"],
    ["http://log.example.com/prod/checkpoint", "https://log.example.com/prod"],
    ["http://log.example.com/prod/eu", "https://log.example.com/prod/eu/"],
    ["http://log.example.com/prod/eu/v1/entries", "https://log.example.com/prod/eu/"],
    ["http://log.example.com/prod/europe", "https://log.example.com/prod"],
    ["http://log.example.com/production/checkpoint", "https://log.example.com"],
    ["http://log.example.com/x/../prod/", "https://log.example.com/prod"],
    ["http://log.example.com/prod/%2e%2e/checkpoint", "https://log.example.com"],
    ["http://log.example.com/prod/eu/%2E./tile/0/000", "https://log.example.com/prod"],
    ["http://log.example.com//prod/checkpoint", "https://log.example.com"],
    ["http://log.example.com/%70rod/checkpoint", "https://log.example.com"],
    ["http://log.example.com/Prod/", "https://log.example.com"],
    ["http://other.example/a.b~c/", "https://other.example/a.b~c"],
    ["http://ports.example:8080/", "http://ports.example:8080"],
    ["http://[2001:DB8:0:0::1]:8080/v6/", "http://[2001:db8::1]:8080/v6"],
    ["http://xn--mnchen-3ya.example/", "https://münchen.example"],
  ])("%s", (url, log) => expect(find(url)).toBe(log));
});

describe("no log is found", () => {
  it.each([
    ["http://10.0.0.5/checkpoint", "host"],
    ["http://log.example.com:8080/", "host"],
    ["http://log.example.com../", "host"],
    ["http://evil.log.example.com/", "host"],
    ["http://log.example.com.evil.example/", "host"],
    ["http://log.example.com@evil.example/", "host"],
    ["http://user@log.example.com/", "host"],
    ["http://ports.example/", "host"],
    ["http://ports.example:443/", "host"],
    ["http://[2001:db8::1]/v6/", "host"],
    ["http://[2001:db8::1]:8080/", "path"],
    ["http://other.example/", "path"],
    ["http://other.example/a.b~cd", "path"],
    ["http://other.example/a.b%7Ec/", "path"],
    ["http://other.example//a.b~c/", "path"],
    ["http://other.example/?/a.b~c/", "path"],
  ])("%s", (url, why) => expect(find(url)).toBe(why));
});

it("takes the longest prefix that ends where a part ends, whatever comes after it", () => {
  const part = fc.stringMatching(/^[a-z0-9.~_-]{1,4}$/).filter((text) => !/^\.{1,2}$/.test(text));
  const path = fc.array(part, { maxLength: 4 }).map((parts) => parts.map((text) => `/${text}`).join(""));
  fc.assert(
    fc.property(fc.uniqueArray(path, { minLength: 1, maxLength: 6 }), path, (prefixes, asked) => {
      const paths = new LogRouter(prefixes.map((log) => ({ url: `https://h.example${log}`, log })));
      const found = paths.find(new URL(`http://h.example${asked}/`).href);
      const fits = prefixes.filter((prefix) => `${asked}/`.startsWith(`${prefix}/`));
      const longest = fits.sort((a, b) => b.length - a.length)[0];
      expect(typeof found === "string" ? undefined : found.log).toBe(longest);
    }),
  );
});

it("never gives a request to a log whose host it does not name", () => {
  fc.assert(
    fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (url) => {
      const found = router.find(new URL(url).href);
      if (typeof found !== "string")
        expect(new URL(url).hostname.replace(/\.$/, "")).toBe(found.host.split(":")[0]);
    }),
  );
});

it.each([
  "https://log.example.com/a//b",
  "https://log.example.com/%61",
  "https://log.example.com/a?b",
  "https://log.example.com/a#b",
  "https://log.example.com/(a)",
])("%s is no URL by which logs are told apart", (url) => {
  expect(() => placeOf(url)).toThrow(/several logs are told apart by it/);
});

it("knows a prefix that is asked for without the slash behind it", () => {
  const place = placeOf("https://log.example.com/prod/");
  expect(place).toEqual({ host: "log.example.com", prefix: "/prod" });
  expect(lacksSlash("http://log.example.com/prod", place)).toBe(true);
  expect(lacksSlash("http://log.example.com/prod?a", place)).toBe(true);
  expect(lacksSlash("http://log.example.com/prod/", place)).toBe(false);
  expect(lacksSlash("http://log.example.com/", placeOf("https://log.example.com"))).toBe(false);
});
