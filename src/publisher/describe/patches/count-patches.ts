// Counts the patches in one file: mails of a mailbox (git format-patch --stdout, RFC 4155), commits of git log -p, changesets of hg export.
// A row of a series describes one patch; of several it would state the first one's subject and none of their ids.

const WEEKDAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
/** A mail begins at the start or after an empty line, and its fields follow. */
const MAIL = new RegExp(`(?<=^|\\n\\n)From \\S+ +${WEEKDAY} [A-Z][a-z]{2} [^\\n]*\\n(?=[A-Za-z-]+:)`, "g");
/** Messages quote upstream commits in these forms, so that they count only in a file that begins with one. */
const LISTS = [/^commit [0-9a-f]{40}.*\n(?=(?:Merge|Author):)/gm, /^# HG changeset patch\n/gm];
const CHANGES = /^(?:diff |--- \S)/m;

/** How many patches `bytes` hold, 1 where nothing says that there are more. */
export function countPatches(bytes: Uint8Array): number {
  const text = Buffer.from(bytes).toString("latin1").replaceAll("\r\n", "\n");
  const mails = [...text.matchAll(MAIL)];
  const counts = LISTS.map((form) => [...text.matchAll(form)]).map((found) =>
    found[0]?.index === 0 ? found.length : 1,
  );
  // A patch may stand before the first line that begins a mail; a header that somebody put there is none.
  const before = CHANGES.test(text.slice(0, mails[0]?.index ?? 0)) ? 1 : 0;
  return Math.max(1, mails.length + before, ...counts);
}
