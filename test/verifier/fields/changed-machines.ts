// Changes one field of a good machine's evidence at a time, signs it again wherever whoever could have written it has the key, and appraises
// what comes out. Every value it changes to is one that the field can have, unless no value but the good one is allowed.
import { decodeBase64, encodeBase64 } from "../../../src/protocol/encoding/base64.ts";
import { utf8 } from "../../../src/protocol/encoding/text.ts";
import { judgeTdx } from "../../../src/publisher/evidence/check-quote.ts";
import { GOOD_FWID } from "../../../src/testing/gpu.ts";
import { makeOpaque, type OpaqueField } from "../../../src/testing/gpu-report.ts";
import {
  type Machine,
  type MachineOptions,
  makeEvidenceCertificate,
  type SyntheticTdxOptions,
} from "../../../src/testing/index.ts";
import {
  type Change,
  editedGpu,
  editedSwitch,
  editedTdx,
  remade,
  withGpu,
  withSwitch,
} from "../../../src/testing/remake.ts";
import { makeSwitchOpaque } from "../../../src/testing/switch.ts";
import { appraiseEvidence } from "../../../src/verifier/appraisal/appraise.ts";
import { readCertificateEvidence } from "../../../src/verifier/ra-tls/certificate-evidence.ts";
import { derSequence, readDer } from "../../../src/verifier/x509/der.ts";
import {
  failedIds,
  judge,
  machineOf,
  makeWorld,
  optionsFor,
  type World,
} from "../../support/appraisal-world.ts";
import { NOW } from "../../support/clock.ts";
import * as fieldsOf from "./fields-of.ts";
import type { Field } from "./layout.ts";

/** Ids of the checks that fail on a machine of which one field was changed. */
export type Outcome = () => Promise<readonly string[]>;

/** What a field's change is told by: `control` is the same without the change, where that is not the good machine. */
export interface FieldChange {
  readonly changed: Outcome;
  readonly control?: Outcome;
}

export interface ChangedKind {
  /** The fields of the good machine's file of this kind. */
  readonly names: readonly string[];
  readonly changes: ReadonlyMap<string, FieldChange>;
}

/** One bit of one byte. */
const flip = (at: number) => (bytes: Uint8Array) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));
const zero =
  ({ start, end }: Pick<Field, "start" | "end">) =>
  (bytes: Uint8Array) =>
    bytes.map((byte, i) => (i >= start && i < end ? 0 : byte));
const moved = ({ start, end }: Field, by: number) => ({ start: start - by, end: end - by });

const DAY = 86_400_000;
const time = (ms: number) => `${new Date(NOW.getTime() + ms).toISOString().slice(0, 19)}Z`;

/** Every type of opaque data that there is, so that none can be left out of the table. */
function everyOpaqueType(): OpaqueField[] {
  const common = { driverVersion: "580.95.05", vbiosVersion: "96.00.CF.00.01", fwid: GOOD_FWID };
  const usual = makeOpaque(common);
  const values: Record<number, Uint8Array> = {
    21: Uint8Array.of(0x55),
    22: new Uint8Array(144),
    35: utf8("GB100A\0"),
  };
  const others = Array.from({ length: 37 }, (_, i) => i + 1).filter(
    (type) => !usual.some((one) => one.type === type),
  );
  return [...usual, ...others.map((type) => ({ type, value: values[type] ?? Uint8Array.of(type) }))];
}

const LEVEL = (svn: number, tcbStatus: string, advisoryIDs: string[]) => {
  const component = { svn, category: "BIOS", type: "Early Microcode Update" };
  const tdx = [5, 0, 3, ...new Array(13).fill(0)].map((value) => ({ ...component, svn: value }));
  const tcb = { sgxtcbcomponents: new Array(16).fill(component), pcesvn: svn + 8, tdxtcbcomponents: tdx };
  return { tcb, tcbDate: "2024-11-13T00:00:00Z", tcbStatus, advisoryIDs };
};

const TDX = {
  quote: { form: "v5-tdx1.5-extended", trailing: Uint8Array.of(1, 2, 3) },
  platform: { sgxSvns: new Array(16).fill(5) },
  tcbInfo: { tcbLevels: [LEVEL(5, "UpToDate", []), LEVEL(4, "OutOfDate", ["INTEL-SA-00960"])] },
} as unknown as SyntheticTdxOptions;

/** A good machine and a policy that fits it. */
interface Base {
  readonly machine: Machine;
  readonly world: World;
}

async function baseOf(options: Partial<MachineOptions>): Promise<Base> {
  const machine = await machineOf({ tdx: TDX, ...options });
  return {
    machine,
    world: await makeWorld(machine, { tdx: { bodies: ["1.5-extended"], mrServiceTd: "zero" } }),
  };
}

export class ChangedMachines {
  readonly good: Machine;
  /** Its GPU's driver sends opaque data with a header. */
  readonly newer: Machine;
  /** It has switches. */
  readonly board: Machine;
  readonly #world: World;
  readonly #newer: Base;
  readonly #board: Base;

  private constructor(good: Base, newer: Base, board: Base) {
    this.good = good.machine;
    this.newer = newer.machine;
    this.board = board.machine;
    this.#world = good.world;
    this.#newer = newer;
    this.#board = board;
  }

  static async make(): Promise<ChangedMachines> {
    return new ChangedMachines(
      await baseOf({ gpus: [{ report: { opaque: everyOpaqueType() } }] }),
      await baseOf({ gpus: [{ svn: 3 }] }),
      await baseOf({ gpus: [{}, {}], switches: [{}, {}] }),
    );
  }

  /** Appraises, and looks at the event log as `evidence tdx` does. */
  async failing(machine: Machine, world = this.#world): Promise<string[]> {
    const { quote, collateral, eventLog } = machine.evidence.tdx;
    const alone = await judgeTdx({
      quote: decodeBase64(quote),
      collateral: utf8(JSON.stringify(collateral)),
      eventLog: eventLog === undefined ? null : decodeBase64(eventLog.data),
      now: NOW,
      root: machine.roots.intel,
    });
    const fromLog = alone.checks.filter(({ id }) => id === "tdx.event-log");
    return [...failedIds(await judge(world, machine)), ...failedIds({ checks: fromLog })];
  }

  /** What fails on the machines with newer drivers and with switches, of which nothing was changed. */
  async unchanged(): Promise<string[]> {
    const bases = [this.#newer, this.#board];
    return (await Promise.all(bases.map(({ machine, world }) => this.failing(machine, world)))).flat();
  }

  #outcome(change: Change, { machine, world }: Base = { machine: this.good, world: this.#world }): Outcome {
    return async () => this.failing(await change(machine), world);
  }

  #kind(
    fields: readonly Field[],
    changeOf: (field: Field) => Change,
    others: Record<string, Change> = {},
    base?: Base,
  ): ChangedKind {
    const changes = new Map<string, FieldChange>();
    for (const field of fields) {
      if (changes.has(field.name)) continue;
      const change = others[field.name] ?? changeOf(field);
      changes.set(field.name, { changed: this.#outcome(change, base) });
    }
    return { names: fields.map(({ name }) => name), changes };
  }

  quote(): ChangedKind {
    const fields = fieldsOf.fieldsOfQuote(decodeBase64(this.good.evidence.tdx.quote));
    const place = (name: string) => fields.find((field) => field.name === name)!;
    const signedEnd = place("quote.signatureDataSize").start;
    const qe = place("quote.qeReport.cpuSvn").start;
    const withQuote = (quote: SyntheticTdxOptions["quote"] & object) =>
      remade(({ tdx }) => ({ tdx: { ...tdx, quote: { ...tdx?.quote, ...quote } } }));
    const unsigned = (at: number) =>
      editedTdx(({ quote }) => ({ quote: encodeBase64(flip(at)(decodeBase64(quote))) }));
    return this.#kind(
      fields,
      (field) => {
        if (field.start < signedEnd) return withQuote({ edit: flip(field.start) });
        if (field.name.includes(".qeReport.")) return withQuote({ editQeReport: flip(field.start - qe) });
        return unsigned(field.start);
      },
      {
        "quote.bodyType": withQuote({ form: "v5-tdx1.5" }),
        "quote.qeReport.isvSvn": withQuote({ editQeReport: zero(moved(place("quote.qeReport.isvSvn"), qe)) }),
        "quote.pckChainPem": unsigned(place("quote.pckChainPem").start + 100),
      },
    );
  }

  async sgxExtension(): Promise<ChangedKind> {
    let extension = new Uint8Array();
    const keep = (bytes: Uint8Array) => {
      extension = Uint8Array.from(bytes);
      return bytes;
    };
    const withEdit = (edit: (bytes: Uint8Array) => Uint8Array) =>
      remade(({ tdx }) => ({ tdx: { ...tdx, platform: { ...tdx?.platform, edit } } }));
    await withEdit(keep)(this.good);
    const fields = fieldsOf.fieldsOfSgxExtension(extension);
    const isSvn = ({ name }: Field) => /^pck\.2\.(?:[1-9]|1[0-7])$/.test(name);
    return this.#kind(fields, (field) => withEdit(isSvn(field) ? zero(field) : flip(field.start)));
  }

  tcbInfo(): ChangedKind {
    const text = this.good.evidence.tdx.collateral.tcbInfo;
    const changed = (document: unknown, more: SyntheticTdxOptions = {}) =>
      remade(({ tdx }) => ({ tdx: { ...tdx, ...more, tcbInfo: document as object } }));
    // Components 0 and 1 count the module's SVN and version: a version of 0 is judged by the platform's level and `tdxModule`.
    const teeTcbSvn = Uint8Array.of(5, 0, 4, ...new Array(13).fill(0));
    const oldModule = { body: { teeTcbSvn, teeTcbSvn2: teeTcbSvn } };
    return this.#document("tcbInfo", text, changed, {
      ...VALIDITY("tcbInfo"),
      "tcbInfo.tcbEvaluationDataNumber": [1],
      "tcbInfo.tdxModule.mrsigner": [undefined, oldModule],
      "tcbInfo.tdxModule.attributes": [undefined, oldModule],
      "tcbInfo.tdxModuleIdentities[].tcbLevels[].tcb.isvsvn": [12],
      "tcbInfo.tdxModuleIdentities[].tcbLevels[].tcbStatus": ["OutOfDate"],
      "tcbInfo.tdxModuleIdentities[].tcbLevels[].tcbDate": ["2020-01-01T00:00:00Z"],
      "tcbInfo.tcbLevels[].tcb.tdxtcbcomponents[].svn": [255, {}, 2],
      "tcbInfo.tcbLevels[].tcbStatus": ["OutOfDate"],
      "tcbInfo.tcbLevels[].tcbDate": ["2020-01-01T00:00:00Z"],
    });
  }

  qeIdentity(): ChangedKind {
    const text = this.good.evidence.tdx.collateral.qeIdentity;
    const changed = (document: unknown, more: SyntheticTdxOptions = {}) =>
      remade(({ tdx }) => ({ tdx: { ...tdx, ...more, qeIdentity: document as object } }));
    return this.#document("qeIdentity", text, changed, {
      ...VALIDITY("qeIdentity"),
      "qeIdentity.tcbEvaluationDataNumber": [1],
      "qeIdentity.attributesMask": ["F".repeat(32)],
      "qeIdentity.miscselectMask": ["FFFFFFFF", { qeReport: { miscSelect: 1 } }],
      "qeIdentity.tcbLevels[].tcb.isvsvn": [8],
      "qeIdentity.tcbLevels[].tcbStatus": ["OutOfDate"],
      "qeIdentity.tcbLevels[].tcbDate": ["2020-01-01T00:00:00Z"],
    });
  }

  #document(
    kind: string,
    text: string,
    made: (document: unknown, more?: SyntheticTdxOptions) => Change,
    others: Readonly<Record<string, readonly [value?: unknown, more?: SyntheticTdxOptions, index?: number]>>,
  ): ChangedKind {
    const names = fieldsOf.namesOfJson(text, kind);
    const changes = new Map<string, FieldChange>();
    for (const name of names) {
      const [value, more = {}, index] = others[name] ?? [];
      const document: unknown = JSON.parse(text);
      setAt(document, name.slice(kind.length + 1), (old) => value ?? another(old), index);
      const changed = this.#outcome(made(document, more));
      const before =
        kind === "qeIdentity" && "qeReport" in more
          ? { ...JSON.parse(text), miscselectMask: "00000000" }
          : JSON.parse(text);
      const control = Object.keys(more).length === 0 ? {} : { control: this.#outcome(made(before, more)) };
      changes.set(name, { changed, ...control });
    }
    return { names, changes };
  }

  report(): ChangedKind {
    const bytes = decodeBase64(this.good.evidence.gpus[0]!.report);
    const fields = fieldsOf.fieldsOfReport(bytes);
    const signature = fields.find(({ name }) => name === "report.signature")!;
    const withOpaque = (change: (opaque: OpaqueField[]) => OpaqueField[]) =>
      withGpu(() => ({ report: { opaque: change(everyOpaqueType()) } }));
    const set = (type: number, ...value: number[]) =>
      withOpaque((opaque) =>
        opaque.map((one) => (one.type === type ? { type, value: Uint8Array.from(value) } : one)),
      );
    const edited = (edit: (signed: Uint8Array) => Uint8Array) =>
      withGpu(() => ({ report: { opaque: everyOpaqueType(), edit } }));
    const others: Record<string, Change> = {
      "report.opaque[].11": set(11, 0xaa),
      "report.opaque[].21": withOpaque((opaque) =>
        opaque.flatMap((one) =>
          one.type === 36 ? [] : [one.type === 21 ? { type: 21, value: Uint8Array.of(0xaa) } : one],
        ),
      ),
      "report.opaque[].22": remade(({ gpus = [{}] }) => {
        const opaque = everyOpaqueType().map((one) =>
          one.type === 22 ? { type: 22, value: new Uint8Array(144).fill(1, 0, 8) } : one,
        );
        return { gpus: [...gpus, { report: { opaque } }] };
      }),
      "report.opaque[].34": set(34, 2, 0),
    };
    const known = this.#kind(
      fields,
      (field) =>
        field.start < signature.start
          ? edited(flip(field.start))
          : editedGpu(({ report }) => ({ report: encodeBase64(flip(field.start)(decodeBase64(report))) })),
      others,
    );
    const trailing = editedGpu(({ report }) => ({
      report: encodeBase64(Uint8Array.of(...decodeBase64(report), 1)),
    }));
    const changes = new Map([
      ...known.changes,
      ["report.trailingBytes", { changed: this.#outcome(trailing) }] as const,
    ]);
    return { names: [...known.names, "report.trailingBytes"], changes };
  }

  nvdaod(): ChangedKind {
    const bytes = decodeBase64(this.newer.evidence.gpus[0]!.report);
    const fields = fieldsOf.fieldsOfReport(bytes).filter(({ name }) => name.startsWith("nvdaod."));
    return this.#kind(
      fields,
      ({ start }) => withGpu(() => ({ report: { edit: flip(start) } })),
      {},
      this.#newer,
    );
  }

  switchReport(): ChangedKind {
    const { switches } = this.board.evidence;
    const fields = fieldsOf.fieldsOfReport(decodeBase64(switches[0]!.report), "switch");
    const signature = fields.find(({ name }) => name === "switch.signature")!;
    const known = this.#kind(
      fields,
      ({ start }) =>
        start < signature.start
          ? withSwitch(() => ({ report: { edit: flip(start) } }))
          : editedSwitch(({ report }) => ({ report: encodeBase64(flip(start)(decodeBase64(report))) })),
      {},
      this.#board,
    );
    const fwid = { type: 20, value: new Uint8Array(48).fill(9) };
    const withFwid: Change = remade(({ gpus: named = [], switches: [first, ...rest] = [] }) => {
      const stated = {
        vbiosVersion: "96.10.55.00.01",
        pdi: first?.pdi ?? "",
        gpus: named.map(({ pdi = "" }) => pdi),
      };
      return { switches: [{ ...first, report: { opaque: [...makeSwitchOpaque(stated), fwid] } }, ...rest] };
    });
    const trailing = editedSwitch(({ report }) => ({
      report: encodeBase64(Uint8Array.of(...decodeBase64(report), 1)),
    }));
    const more = { "switch.opaque[].20": withFwid, "switch.trailingBytes": trailing };
    const changes = new Map(known.changes);
    for (const [name, change] of Object.entries(more))
      changes.set(name, { changed: this.#outcome(change, this.#board) });
    return { names: [...known.names, ...Object.keys(more)], changes };
  }

  ocsp(): ChangedKind {
    const [first] = this.good.evidence.gpus[0]!.ocsp.map(decodeBase64) as [Uint8Array];
    const fields = fieldsOf.fieldsOfOcsp(first);
    const data = responseDataOf(first);
    const withOcsp = (ocsp: object) => withGpu(() => ({ report: { opaque: everyOpaqueType() }, ocsp }));
    return this.#kind(
      fields,
      (field) => {
        if (field.start >= data.start && field.end <= data.end)
          return withOcsp({ edit: flip(field.end - 1 - data.start) });
        return editedGpu(({ ocsp }) => ({
          ocsp: ocsp.map((one) => {
            const bytes = decodeBase64(one);
            const own = fieldsOf.fieldsOfOcsp(bytes).find(({ name }) => name === field.name)!;
            return encodeBase64(flip(own.end - 1)(bytes));
          }),
        }));
      },
      {
        "ocsp.producedAt": withOcsp({ edit: inAnotherCentury }),
        "ocsp.responses[].certStatus": withOcsp({ status: "revoked" }),
        "ocsp.responses[].thisUpdate": withOcsp({ thisUpdate: new Date(NOW.getTime() + DAY) }),
        "ocsp.responses[].nextUpdate": withOcsp({ nextUpdate: new Date(NOW.getTime() - DAY / 2) }),
      },
    );
  }

  ccel(): ChangedKind {
    const log = decodeBase64(this.good.evidence.tdx.eventLog!.data);
    return this.#kind(fieldsOf.fieldsOfCcel(log), ({ start }) =>
      editedTdx(() => ({ eventLog: { format: "ccel", data: encodeBase64(flip(start)(log)) } })),
    );
  }

  async certificate(): Promise<ChangedKind> {
    const { der } = await makeEvidenceCertificate(this.good);
    const fields = fieldsOf.fieldsOfCertificate(der);
    const changes = new Map<string, FieldChange>();
    for (const { name, start, end } of fields) {
      if (changes.has(name)) continue;
      // The last byte of a time is its Z; the second one of its content is a digit.
      const at = /\.not(?:Before|After)$/.test(name) ? start + 3 : end - 1;
      changes.set(name, { changed: () => this.#connected(flip(at)(der)) });
    }
    return { names: fields.map(({ name }) => name), changes };
  }

  /** Appraises what a TLS server shows: key and evidence are those of its certificate. */
  async #connected(certificate: Uint8Array): Promise<string[]> {
    const { key, document } = readOr(certificate, this.good);
    const options = { ...optionsFor(this.good), channel: { type: "tls-spki", key } } as const;
    return failedIds(await appraiseEvidence(this.#world.verified, document, options));
  }
}

/** A certificate that cannot be read holds no evidence: `appraise --connect` judges an empty file then. */
function readOr(certificate: Uint8Array, { channel }: Machine): { key: Uint8Array; document: Uint8Array } {
  try {
    const found = readCertificateEvidence(certificate);
    return {
      key: found.spki,
      document: found.form === "touchstone-ra-tls/v1" ? found.document : new Uint8Array(),
    };
  } catch {
    return { key: channel.spki, document: new Uint8Array() };
  }
}

const VALIDITY = (kind: string): Record<string, readonly [unknown]> => ({
  [`${kind}.issueDate`]: [time(DAY)],
  [`${kind}.nextUpdate`]: [time(-DAY / 2)],
});

function responseDataOf(response: Uint8Array): { start: number; end: number } {
  const [, inner] = derSequence(readDer(response));
  const [, octets] = derSequence(readDer(inner!.content));
  const [data] = derSequence(readDer(octets!.content));
  const start = data!.raw.byteOffset - response.byteOffset;
  return { start, end: start + data!.raw.length };
}

/** The three answers have other lengths, so each has its `producedAt` at a place of its own. */
function inAnotherCentury(responseData: Uint8Array): Uint8Array {
  const [, producedAt] = derSequence(readDer(responseData));
  return flip(producedAt!.content.byteOffset - responseData.byteOffset + 1)(responseData);
}

/** Another value of the same form: hex stays hex, a number a number. */
function another(value: unknown): unknown {
  if (typeof value === "number") return value + 1;
  const text = String(value);
  return /^[0-9A-F]{4,}$/.test(text) ? `${text.startsWith("0") ? "8" : "0"}${text.slice(1)}` : `${text}x`;
}

/** Changes the first value that a path leads to, or the one at `index` of the innermost list. */
function setAt(document: unknown, path: string, change: (old: unknown) => unknown, index?: number): void {
  const steps = path.split(/\.|(?=\[\])/);
  const step = (value: unknown, rest: readonly string[]): boolean => {
    const [next = "", ...more] = rest;
    if (typeof value !== "object" || value === null) return false;
    const inner = !more.includes("[]");
    const keys =
      next === "[]" ? (inner && index !== undefined ? [String(index)] : Object.keys(value)) : [next];
    const members = value as Record<string, unknown>;
    return keys.some((key) => {
      if (!(key in members)) return false;
      if (more.length > 0) return step(members[key], more);
      members[key] = change(members[key]);
      return true;
    });
  };
  if (!step(document, steps)) throw new Error(`nothing at ${path}`);
}
