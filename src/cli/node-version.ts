// Says whether this Node.js can run the program. Loaded before everything else, by releases of Node that are older than the rest needs:
// it imports nothing and uses no syntax that is younger than ES2020.

/** As package.json's `engines` says it. */
export const OLDEST_NODE = "22.14";

/**
 * @param version as `process.version`, such as `v22.14.0`.
 * @returns a line for the reader, or undefined when the version will do.
 */
export function refuseNode(version: string): string | undefined {
  const [major = 0, minor = 0] = version.replace(/^v/, "").split(".").map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE.split(".").map(Number);
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return undefined;
  return `touchstone needs Node.js ${OLDEST_NODE} or newer, this is ${version.replace(/^v/, "")}`;
}
