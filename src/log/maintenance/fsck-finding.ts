// Collects what fsck finds, by kind of check, and what is thrown by what it runs.
import { MalformedError } from "../../protocol/errors.ts";
import { StartRefusedError } from "../errors.ts";

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

  /** What a start would refuse is found; whatever else is thrown goes on. */
  async refusable<T>(check: FsckCheck, run: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await run();
    } catch (error) {
      const isJudged = error instanceof StartRefusedError || error instanceof MalformedError;
      if (!isJudged) throw error;
      this.add(check, error.message);
      return undefined;
    }
  }

  /** Other entries are read again to judge one, and may be damaged. */
  async readable<T>(check: FsckCheck, what: string, run: () => Promise<T>): Promise<T | undefined> {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.add(check, `${what}: ${error.message}`);
      return undefined;
    }
  }

  /** Whatever is thrown says what is wrong with the entry. */
  attempt<T>(check: FsckCheck, index: number, run: () => T): T | undefined {
    try {
      return run();
    } catch (error) {
      this.add(check, `entry ${index}: ${(error as Error).message}`);
      return undefined;
    }
  }
}
