// Routes that are registered before any middleware answer alone; all others are found with everything around them, in its order.
import { describe, expect, test } from "vitest";
import { HotRouter } from "../../src/service/hot-router.ts";

function router(...routes: ReadonlyArray<readonly [method: string, path: string]>): HotRouter<string> {
  const router = new HotRouter<string>();
  for (const [method, path] of routes) router.add(method, path, `${method} ${path}`);
  return router;
}

const found = (router: HotRouter<string>, method: string, path: string) =>
  router.match(method, path)[0].map(([handler]) => handler);

describe("a route", () => {
  const routes = router(
    ["GET", "/entries/:index/proof"],
    ["GET", "/tile/*"],
    ["ALL", "/*"],
    ["GET", "/entries/:index"],
    ["POST", "/entries/batch"],
    ["POST", "/tile/*"],
  );

  test("before all middleware is found alone", () => {
    expect(found(routes, "GET", "/entries/7/proof")).toEqual(["GET /entries/:index/proof"]);
    expect(found(routes, "GET", "/tile/0/x001/067")).toEqual(["GET /tile/*"]);
  });

  test("before all middleware is not found by another method", () => {
    expect(found(routes, "PUT", "/entries/7/proof")).toEqual(["ALL /*"]);
    expect(found(routes, "POST", "/tile/0/000")).toEqual(["ALL /*", "POST /tile/*"]);
  });

  test("after middleware is found behind it", () => {
    expect(found(routes, "GET", "/entries/7")).toEqual(["ALL /*", "GET /entries/:index"]);
    expect(found(routes, "POST", "/entries/batch")).toEqual(["ALL /*", "POST /entries/batch"]);
    expect(found(routes, "GET", "/nothing")).toEqual(["ALL /*"]);
  });

  test("is none for the empty path, which a prefix alone leaves", () => {
    for (const method of ["GET", "POST"]) expect(found(routes, method, "")).toEqual([]);
  });

  test("is found behind middleware that comes first, whatever it is", () => {
    const behind = router(["ALL", "/*"], ["GET", "/tile/*"]);
    expect(found(behind, "GET", "/tile/0")).toEqual(["ALL /*", "GET /tile/*"]);
  });
});
