// Plays the machine that an attester runs in: a made-up kernel that gives quotes, a collector that asks its GPUs, and a folder that stands for
// the root of its file system. What the vendors would answer lies there as files.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { configfs, type ReportFolder } from "../../src/attester/machine/tsm-report.ts";
import { decodeBase64, encodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { concatBytes } from "../../src/protocol/encoding/bytes.ts";
import { decodeHex, encodeHex } from "../../src/protocol/encoding/hex.ts";
import { utf8 } from "../../src/protocol/encoding/text.ts";
import { signWith } from "../../src/testing/authority.ts";
import {
  type Machine,
  makeMachine,
  type SyntheticGpu,
  type SyntheticSwitch,
} from "../../src/testing/index.ts";

const SIGNATURE_BYTES = 96;
const NONCE_AT = 4;
const COLLECT = fileURLToPath(new URL("./ask-made-up-guest.mjs", import.meta.url));

/** What nvidia-smi prints of GPUs each of which is passed through for itself. */
export const STATE = {
  q: `
==============NVSMI CONF-COMPUTE LOG==============

    CC State                   : ON
    Multi-GPU Mode             : None
    CPU CC Capabilities        : INTEL TDX
    GPU CC Capabilities        : CC Capable
    CC GPUs Ready State        : Ready
`,
  d: "DevTools Mode: OFF\n",
};

/** What it prints of GPUs behind switches. */
export const STATE_OF_BOARD = STATE.q.replace(": ON", ": OFF").replace(": None", ": Protected PCIe");

/** A folder that behaves as configfs does: an entry has its attributes when it is there, and what is written into it is answered. */
export function madeUpConfigfs(
  root: string,
  quoteOver: (reportData: Uint8Array) => Promise<Uint8Array>,
): ReportFolder {
  const files = configfs(root);
  return {
    ...files,
    async make() {
      const entry = await files.make();
      const attributes = { provider: "tdx_guest\n", generation: "0\n", inblob: "", outblob: "" };
      for (const [name, value] of Object.entries(attributes)) await writeFile(join(entry, name), value);
      return entry;
    },
    async write(entry, attribute, value) {
      await files.write(entry, attribute, value);
      const generation = Number(await readFile(join(entry, "generation"), "utf8"));
      await writeFile(join(entry, "generation"), `${generation + 1}\n`);
      await writeFile(join(entry, "outblob"), await quoteOver(value));
    },
    // Removing an entry takes its attributes along.
    remove: (entry) => rm(entry, { recursive: true }),
  };
}

export class MadeUpGuest {
  /** The machine whose kernel and GPUs answer. */
  readonly machine: Machine;
  /** Stands for "/". */
  readonly root = mkdtempSync(join(tmpdir(), "touchstone-guest-"));
  readonly #server: Server;

  private constructor(machine: Machine) {
    this.machine = machine;
    this.#server = createServer((request, response) => {
      this.#answer(request.url ?? "").then(
        (bytes) => response.end(bytes),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    });
  }

  static async start(machine: Machine): Promise<MadeUpGuest> {
    const guest = new MadeUpGuest(machine);
    guest.#writeFiles();
    await new Promise<void>((resolve) => guest.#server.listen(0, "127.0.0.1", resolve));
    return guest;
  }

  stop(): void {
    this.#server.close();
    rmSync(this.root, { recursive: true });
  }

  /** Where another process asks for quotes and reports. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get reportFolder(): (root: string) => ReportFolder {
    return (root) => madeUpConfigfs(root, (reportData) => this.quote(reportData));
  }

  at(...names: string[]): string {
    return join(this.root, ...names);
  }

  /** Options of `attest` and `attest serve` for this machine. */
  get options(): string[] {
    return [
      ...["--root", this.root],
      ...["--collect", `${process.execPath} ${COLLECT} ${this.url}/devices/{nonce}`],
      ...["--nvidia-smi", this.at("nvidia-smi")],
      ...["--collateral", this.at("collateral.json")],
      ...["--revocation", this.at("ocsp")],
    ];
  }

  /** The quoting enclave: another quote for each REPORTDATA, all else as the machine has it. */
  async quote(reportData: Uint8Array): Promise<Uint8Array> {
    const { options, vendors, body } = this.machine;
    const { evidence } = await makeMachine({
      ...options,
      vendors,
      gpus: [],
      tdx: { ...options.tdx, body: { ...body, reportData } },
    });
    return decodeBase64(evidence.tdx.quote);
  }

  /** What `nvattest collect-evidence` would print, of GPUs and switches at once. */
  async devices(nonce: Uint8Array): Promise<string> {
    const { gpus, switches } = this.machine;
    const evidences = await Promise.all([...gpus, ...switches].map((device) => serialized(device, nonce)));
    return JSON.stringify({ evidences, result_code: 0, result_message: "Ok" });
  }

  async #answer(path: string): Promise<Uint8Array> {
    const [, what, hex = ""] = path.split("/");
    return what === "quote" ? this.quote(decodeHex(hex)) : utf8(await this.devices(decodeHex(hex)));
  }

  #writeFiles(): void {
    const { tdx, gpus, switches } = this.machine.evidence;
    const tables = this.at("sys/firmware/acpi/tables/data");
    for (const folder of [tables, this.at("sys/kernel/config/tsm/report"), this.at("ocsp")])
      mkdirSync(folder, { recursive: true });
    const log = decodeBase64(tdx.eventLog?.data ?? "");
    writeFileSync(join(tables, "CCEL"), Buffer.concat([log, Buffer.alloc(65_536, 0xff)]));
    writeFileSync(this.at("collateral.json"), JSON.stringify(tdx.collateral));
    const answers = new Set([...gpus, ...switches].flatMap(({ ocsp }) => ocsp));
    [...answers].forEach((answer, i) => {
      writeFileSync(this.at("ocsp", `${i}.der`), decodeBase64(answer));
    });
    const state = switches.length === 0 ? STATE.q : STATE_OF_BOARD;
    const script = `#!/bin/sh\ncase "$2" in\n-q) cat <<'E'\n${state}E\n;;\n-d) cat <<'E'\n${STATE.d}E\n;;\nesac\n`;
    writeFileSync(this.at("nvidia-smi"), script);
    chmodSync(this.at("nvidia-smi"), 0o755);
  }
}

/** The report that a device shows anyway, for another nonce: bytes 4 to 36 of the request (DMTF DSP0274), signed anew. */
async function serialized({ identity, report, evidence }: SyntheticGpu | SyntheticSwitch, nonce: Uint8Array) {
  const signed = report.slice(0, -SIGNATURE_BYTES);
  signed.set(nonce, NONCE_AT);
  const signature = await signWith(identity.attestation, signed);
  return {
    version: "1.0",
    arch: identity.architecture.toUpperCase(),
    nonce: encodeHex(nonce),
    evidence: encodeBase64(concatBytes(signed, signature)),
    certificate: encodeBase64(utf8(evidence.chain)),
  };
}
