// What several stores share is opened once, and closed after the last of them.
import { expect, it } from "vitest";
import { SharedSessions } from "../../../src/log/store/shared-sessions.ts";

function server() {
  const one = { closed: 0, close: async () => void one.closed++ };
  return one;
}

it("is opened for the first that takes it, and closed when the last has given it back", async () => {
  const sessions = new SharedSessions();
  const one = sessions.take("a", server);
  expect(sessions.take("a", server)).toBe(one);
  await sessions.giveBack("a");
  expect(one.closed).toBe(0);
  await sessions.giveBack("a");
  expect(one.closed).toBe(1);
  expect(sessions.take("a", server)).not.toBe(one);
});

it("is apart for each key, and for each holder", async () => {
  const [sessions, others] = [new SharedSessions(), new SharedSessions()];
  const one = sessions.take("a", server);
  expect(sessions.take("b", server)).not.toBe(one);
  expect(others.take("a", server)).not.toBe(one);
  await sessions.giveBack("b");
  await others.giveBack("a");
  expect(one.closed).toBe(0);
});

it("is not held where it could not be opened, and not closed twice", async () => {
  const sessions = new SharedSessions();
  const fails = () => {
    throw new Error("no such server");
  };
  expect(() => sessions.take("a", fails)).toThrow("no such server");
  const one = sessions.take("a", server);
  await sessions.giveBack("a");
  await sessions.giveBack("a");
  expect(one.closed).toBe(1);
});
