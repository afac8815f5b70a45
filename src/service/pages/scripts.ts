// Lists the scripts of the pages, each a file in the folder scripts/ that the bundler makes one module of.
export const PAGE_SCRIPTS = ["appraise", "check-entry", "consistency", "copy", "drop-file", "prove"] as const;
export type PageScript = (typeof PAGE_SCRIPTS)[number];
