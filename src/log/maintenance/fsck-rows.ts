// Compares the rows by which a store finds entries with what the entries say, and counts what there has to be.
import { describeReference } from "../../protocol/entry/reference.ts";
import type { VerifiedEnvelope } from "../../protocol/envelope/dsse.ts";
import { digestsOf } from "../../protocol/lookup/term.ts";
import { tilesOfSize } from "../../protocol/merkle/tile.ts";
import { tokenIdOf } from "../../protocol/registration/identities.ts";
import type { StoreInspection } from "../store/store-inspection.ts";
import type { FsckFindings } from "./fsck-finding.ts";

export class FsckRows {
  readonly #inspection: StoreInspection;
  readonly #findings: FsckFindings;
  readonly #expected = { digests: 0, signers: 0, tokens: 0 };

  constructor(inspection: StoreInspection, findings: FsckFindings) {
    this.#inspection = inspection;
    this.#findings = findings;
  }

  /** @param named the index that kind, name and version of an entry lead to. */
  async check(envelope: VerifiedEnvelope, index: number, named: ReadonlyMap<string, number>): Promise<void> {
    const byDigest = await this.#inspection.indexOf(envelope.payloadDigest);
    if (named.get(describeReference(envelope.statement)) !== index || byDigest !== index)
      this.#findings.add("index", `entry ${index} is not found by its digest or name`);
    const digests = digestsOf(envelope);
    const tokens = envelope.tokens.map(tokenIdOf);
    this.#expected.tokens += tokens.length;
    this.#expected.digests += this.#inspection.digestRows(digests);
    this.#expected.signers += envelope.signers.length;
    if (!(await this.#inspection.leadsTo(index, { digests, tokens, signers: envelope.signers })))
      this.#findings.add("index", `entry ${index} is not found by a digest or key in it`);
  }

  /** @param size entries that were checked. */
  async checkCounts(size: number): Promise<void> {
    const counts = await this.#inspection.counts();
    const tiles = tilesOfSize(size).reduce((sum, { full, partial }) => sum + full + (partial > 0 ? 1 : 0), 0);
    if (counts.entries !== size)
      this.#findings.add("entry", `${counts.entries - size} entries are not in line with the others`);
    if (counts.tiles !== tiles)
      this.#findings.add("tile", `${counts.tiles} tiles are stored, the tree has ${tiles}`);
    const { digests, signers, tokens } = this.#expected;
    if (counts.digests !== digests)
      this.#findings.add("index", `${counts.digests} digests are indexed, the entries name ${digests}`);
    if (counts.signers !== signers)
      this.#findings.add("index", `${counts.signers} signatures are indexed, the entries have ${signers}`);
    if (counts.tokens !== tokens)
      this.#findings.add("index", `${counts.tokens} tokens are indexed, the entries have ${tokens}`);
  }
}
