// States when the tests take place, unless they say otherwise.
export const NOW = new Date("2026-11-23T12:00:00Z");
