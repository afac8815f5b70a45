// Collects what fsck finds, by kind of check.

export type FsckCheck =
  | "start"
  | "database"
  | "entry"
  | "signature"
  | "registration"
  | "index"
  | "index-file"
  | "tile"
  | "tree-head"
  | "checkpoint"
  | "high-water"
  | "attachment"
  | "in-force"
  /** The copy in a bucket; the log itself may be sound. */
  | "objects";

/** Something that is not as it must be. */
export interface FsckFinding {
  readonly check: FsckCheck;
  readonly detail: string;
}

const MAX_FINDINGS = 20;

/** Findings, of which each check may add 20: one broken tile must not hide everything else. */
export class FsckFindings {
  readonly list: FsckFinding[] = [];

  has(check: FsckCheck): boolean {
    return this.list.some((finding) => finding.check === check);
  }

  add(check: FsckCheck, detail: string): void {
    const same = this.list.filter((finding) => finding.check === check);
    if (same.length < MAX_FINDINGS && !same.some((finding) => finding.detail === detail))
      this.list.push({ check, detail });
  }
}
