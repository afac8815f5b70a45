// The packages, packed and installed in empty projects, judge the same machine in the same way wherever they are run.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Packed, packAll } from "../../scripts/pack.ts";
import { packagePath } from "../../src/node/package-root.ts";
import { encodeBase64 } from "../../src/protocol/encoding/base64.ts";
import { encodeEvidence, type Machine } from "../../src/testing/index.ts";
import { machineOf, makeWorld } from "../support/appraisal-world.ts";
import { NOW } from "../support/clock.ts";
import { Project } from "./project.ts";

const TIMEOUT = 300_000;
const ENTRIES = {
  "@touchstone/verifier": { verifier: "@touchstone/verifier", protocol: "@touchstone/verifier/protocol" },
  touchstone: { verifier: "touchstone/verifier", protocol: "touchstone/protocol" },
} as const;
type Name = keyof typeof ENTRIES;
const NAMES = Object.keys(ENTRIES) as Name[];

/** What a program says about a good machine, about another one, and about a bundle of a log that is not the pinned one. */
const SAID = {
  good: "trusted",
  other: "rejected",
  reason: expect.stringMatching(/^tuple\.mrtd: differs/),
  refused: {
    name: expect.stringMatching(/^(?:Policy|Verification)Error$/),
    code: "trust-root-pin",
    own: true,
  },
};

const judge = ({ verifier, protocol }: Record<"verifier" | "protocol", string>) => `
import { appraiseEvidence, reasonOf, type TrustPin, verifyBundle } from "${verifier}";
import { PolicyError, VerificationError } from "${protocol}";

export interface Case {
  readonly bundle: Uint8Array;
  readonly good: Uint8Array;
  readonly other: Uint8Array;
  readonly pin: TrustPin;
  readonly now: Date;
  readonly nonce: Uint8Array;
  readonly key: Uint8Array;
}

export async function judge({ bundle, good, other, pin, now, nonce, key }: Case) {
  const policy = await verifyBundle(bundle, { pin, policy: "production", now, remembered: null });
  const options = { now, nonce, channel: { type: "tls-spki", key } } as const;
  const [first, second] = [await appraiseEvidence(policy, good, options), await appraiseEvidence(policy, other, options)];
  const refused = await verifyBundle(bundle, { pin: { ...pin, digest: "00".repeat(32) }, policy: "production", now, remembered: null }).then(
    () => null,
    (error: unknown) =>
      error instanceof PolicyError || error instanceof VerificationError
        ? { name: error.name, code: error.code, own: true }
        : { name: String(error), code: "", own: false },
  );
  return { good: first.verdict, other: second.verdict, reason: reasonOf(second.checks), refused };
}
`;

/** Reads case.json and prints what \`judge\` says: the same text after any import of it. */
const PRINT = `
const { now, pin, ...rest } = JSON.parse(readFileSync("case.json", "utf8"));
const bytes = Object.fromEntries(Object.entries(rest).map(([name, text]) => [name, new Uint8Array(Buffer.from(text, "base64"))]));
judge({ ...bytes, pin, now: new Date(now) }).then((said) => console.log(JSON.stringify(said)));
`;

let folder: string;
let packed: Record<Name, Packed>;
let gate: Packed;
let machine: Machine;
let caseFile: string;
const projects: Project[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "touchstone-packages-"));
  const { touchstone, verifier, gate: packedGate } = await packAll(folder);
  packed = { touchstone, "@touchstone/verifier": verifier };
  gate = packedGate;
  machine = await machineOf();
  const other = await machineOf({
    channel: machine.channel,
    nonce: machine.nonce,
    tdx: { body: { mrTd: new Uint8Array(48).fill(1) } },
  });
  const { bundle, pin } = await makeWorld(machine);
  const bytes = {
    bundle,
    good: encodeEvidence(machine.evidence),
    other: encodeEvidence(other.evidence),
    nonce: machine.nonce,
    key: machine.channel.spki,
  };
  const texts = Object.entries(bytes).map(([name, value]) => [name, encodeBase64(value)]);
  caseFile = JSON.stringify({ ...Object.fromEntries(texts), pin, now: NOW });
}, TIMEOUT);
afterEach(() => {
  for (const project of projects.splice(0)) project.remove();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function install(names: readonly Name[], manifest?: object): Project {
  const project = new Project(
    names.map((name) => packed[name]),
    manifest,
  );
  projects.push(project);
  for (const name of names) trustMadeUpVendors(project, name);
  project.write("case.json", caseFile);
  return project;
}

/** Puts the made-up vendors' roots where the pinned ones are, so that a good machine can be trusted. */
function trustMadeUpVendors(project: Project, name: Name): void {
  const { intel, nvidia } = machine.roots;
  const put = (file: string, constant: string, root: Uint8Array) =>
    project.write(
      `node_modules/${name}/dist/verifier/${file}`,
      `export const ${constant} = Uint8Array.of(${root.join()});`,
    );
  put("tdx/intel-root.js", "INTEL_SGX_ROOT_CA", intel);
  put("nvidia/device-root.js", "NVIDIA_DEVICE_ROOT", nvidia);
}

/** The program as JavaScript: its types are dropped by the bundler, and its imports stay. */
function compile(project: Project, name: Name, format: "esm" | "cjs"): void {
  buildSync({
    stdin: {
      contents: `import { readFileSync } from "node:fs";${judge(ENTRIES[name])}${PRINT}`,
      loader: "ts",
    },
    outfile: join(project.folder, "program.js"),
    format,
    platform: "node",
    target: "node22.14",
  });
}

function compileWithTypeScript(project: Project, options: object): { code: number | null; output: string } {
  const compilerOptions = {
    strict: true,
    target: "es2023",
    lib: ["es2023", "dom"],
    outDir: "out",
    types: [],
    ...options,
  };
  project.write("tsconfig.json", JSON.stringify({ compilerOptions, files: ["judge.ts"] }));
  return project.run(packagePath("node_modules", "typescript", "bin", "tsc"));
}

const said = ({ code, output }: { code: number | null; output: string }) => {
  expect({ code, output }).toMatchObject({ code: 0 });
  return JSON.parse(output);
};

describe.each(NAMES)("%s", (name) => {
  it("judges in Node as an ES module", () => {
    const project = install([name]);
    compile(project, name, "esm");
    expect(said(project.run("program.js"))).toEqual(SAID);
  });

  it("judges in Node through require", () => {
    const project = install([name], { type: "commonjs" });
    compile(project, name, "cjs");
    expect(readFileSync(join(project.folder, "program.js"), "utf8")).toContain("require(");
    expect(said(project.run("program.js"))).toEqual(SAID);
  });

  it.each([
    ["nodenext", { module: "nodenext", moduleResolution: "nodenext" }],
    ["bundler", { module: "esnext", moduleResolution: "bundler" }],
  ])("compiles in strict TypeScript with %s, its own types checked, and judges", (_, options) => {
    const project = install([name]);
    project.write("judge.ts", judge(ENTRIES[name]));
    expect(compileWithTypeScript(project, options)).toEqual({ code: 0, output: "" });
    const print = `import { readFileSync } from "node:fs"; import { judge } from "./out/judge.js"; ${PRINT}`;
    project.write("print.js", print);
    expect(said(project.run("print.js"))).toEqual(SAID);
  });

  it("judges in code that esbuild made for a browser", () => {
    const project = install([name]);
    project.write("judge.ts", judge(ENTRIES[name]));
    buildSync({
      entryPoints: [join(project.folder, "judge.ts")],
      absWorkingDir: project.folder,
      outfile: join(project.folder, "page.js"),
      bundle: true,
      minify: true,
      format: "esm",
      platform: "browser",
    });
    project.write(
      "print.js",
      `import { readFileSync } from "node:fs"; import { judge } from "./page.js"; ${PRINT}`,
    );
    expect(said(project.run("print.js"))).toEqual(SAID);
  });

  it("has source maps that hold their sources", () => {
    const project = install([name]);
    const dist = join(project.folder, "node_modules", name, "dist");
    const maps = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((file) =>
      file.endsWith(".map"),
    );
    expect(maps.length).toBeGreaterThan(50);
    for (const file of maps) {
      const { sources, sourcesContent } = JSON.parse(readFileSync(join(dist, file), "utf8"));
      expect(sourcesContent, file).toHaveLength(sources.length);
      expect(
        sourcesContent.every((text: unknown) => typeof text === "string"),
        file,
      ).toBe(true);
    }
  });

  it("comes with a list of what is in it", () => {
    const { manifest, sbom } = packed[name];
    const { metadata, components } = JSON.parse(readFileSync(sbom, "utf8"));
    expect(metadata.component.purl).toBe(`pkg:npm/${name.replace("@", "%40")}@${manifest.version}`);
    const listed = components.map(({ purl }: { purl: string }) => purl);
    for (const [dependency, version] of Object.entries(manifest.dependencies))
      expect(listed).toContain(`pkg:npm/${dependency.replace("@", "%40")}@${version}`);
  });
});

describe("@touchstone/verifier", () => {
  it("has types that a compiler finds: it complains about what is missing", () => {
    const project = install(["@touchstone/verifier"]);
    const wrong = judge(ENTRIES["@touchstone/verifier"]).replace("now, remembered: null", "remembered: null");
    project.write("judge.ts", wrong);
    const { output } = compileWithTypeScript(project, { module: "nodenext", moduleResolution: "nodenext" });
    expect(output).toContain("Property 'now' is missing");
  });

  it("needs three packages", () => {
    expect(Object.keys(packed["@touchstone/verifier"].manifest.dependencies)).toEqual([
      "@noble/hashes",
      "@noble/post-quantum",
      "cborg",
    ]);
  });

  it("holds the same files as touchstone, which does not depend on it", () => {
    const project = install(NAMES);
    const at = (name: Name, file: string) =>
      readFileSync(join(project.folder, "node_modules", name, "dist", file), "utf8");
    const files = readdirSync(join(project.folder, "node_modules", "@touchstone/verifier", "dist"), {
      recursive: true,
      encoding: "utf8",
    }).filter((file) => /\.(?:js|ts|map)$/.test(file));
    expect(files.length).toBeGreaterThan(200);
    for (const file of files) expect(at("@touchstone/verifier", file), file).toBe(at("touchstone", file));
    expect(Object.keys(packed.touchstone.manifest.dependencies)).not.toContain("@touchstone/verifier");
  });
});

describe("@touchstone/gate", () => {
  const PROGRAM = `
    const refused = (error) => ({ name: error.name, code: error.code, sent: error.sent, own: error instanceof GateError });
    const options = { log: "https://log.example", policy: "production", pin: { origin: "o", version: 1, digest: "00" }, store: createMemoryStore() };
    const fetch = () => Promise.reject(new Error("no network here"));
    const gate = createGate({ ...options, to: "https://llm.example", fetch });
    gate.fetch("https://llm.example/v1", { method: "POST", body: "the prompt" })
      .catch((error) => console.log(JSON.stringify(refused(error))));`;
  const SAYS = { name: "GateError", code: "unreachable", sent: false, own: true };

  it.each([
    ["an ES module", "module", (names: string, from: string) => `import { ${names} } from "${from}";`],
    ["require", "commonjs", (names: string, from: string) => `const { ${names} } = require("${from}");`],
  ])("refuses in Node through %s", (_, type, load) => {
    const project = new Project([gate], { type });
    projects.push(project);
    const imports = [
      load("createGate, GateError", "@touchstone/gate"),
      load("createMemoryStore", "@touchstone/gate/verifier"),
    ];
    project.write("program.js", [...imports, PROGRAM].join("\n"));
    expect(said(project.run("program.js"))).toEqual(SAYS);
  });

  it("needs what the verifier needs to appraise, HPKE and undici, and has no part of a server", () => {
    expect(Object.keys(gate.manifest.dependencies)).toEqual([
      "@noble/hashes",
      "@noble/post-quantum",
      "cborg",
      "hpke",
      "undici",
    ]);
    const project = new Project([gate]);
    projects.push(project);
    const dist = join(project.folder, "node_modules/@touchstone/gate/dist");
    expect(readdirSync(dist).toSorted()).toEqual([
      "gate",
      "node",
      "protocol",
      "sealed",
      "verifier",
      "verifier-node",
    ]);
    expect(readdirSync(join(dist, "gate"))).not.toContain("proxy");
  });
});

describe("an application that has both", () => {
  it.each([
    ["touchstone", "@touchstone/verifier"],
    ["@touchstone/verifier", "touchstone"],
  ] as const)(
    "gets the same verdict and the same refusal when %s verifies and %s appraises",
    (first, second) => {
      const project = install(NAMES);
      project.write(
        "program.js",
        `import { readFileSync } from "node:fs";
       import { verifyBundle, createMemoryStore, fetchPolicy } from "${ENTRIES[first].verifier}";
       import { appraiseEvidence, reasonOf, stepOf } from "${ENTRIES[second].verifier}";
       import { PolicyError, VerificationError } from "${ENTRIES[second].protocol}";
       async function judge({ bundle, good, other, pin, now, nonce, key }) {
         const store = createMemoryStore();
         const policy = await verifyBundle(bundle, { pin, policy: "production", now, remembered: null });
         await store.save(policy.state, null);
         const options = { now, nonce, channel: { type: "tls-spki", key } };
         const { verdict } = await appraiseEvidence(policy, good, options);
         const rejected = await appraiseEvidence(policy, other, options);
         const refused = await verifyBundle(bundle, { pin: { ...pin, digest: "00".repeat(32) }, policy: "production", now, remembered: null })
           .catch((error) => ({
             name: error.name,
             code: error.code,
             step: stepOf(error.code),
             known: error instanceof VerificationError && !(error instanceof PolicyError),
           }));
         return { good: verdict, other: rejected.verdict, reason: reasonOf(rejected.checks), refused };
       }
       ${PRINT}`,
      );
      const { refused, ...verdicts } = SAID;
      expect(said(project.run("program.js"))).toEqual({
        ...verdicts,
        refused: { name: refused.name, code: refused.code, step: 1, known: true },
      });
    },
  );
});

describe("touchstone", () => {
  it("says where to go when it is imported by its bare name", () => {
    const project = install(["touchstone"]);
    project.write("program.js", 'import "touchstone";');
    const { code, output } = project.run("program.js");
    expect(code).toBe(1);
    expect(output).toContain(
      "import from touchstone/verifier, touchstone/verifier/lookup, touchstone/verifier/node, touchstone/protocol, touchstone/gate or touchstone/testing",
    );
  });

  it("runs as a program, and says in one line what to do where SQLite does not load", () => {
    const project = install(["touchstone"]);
    const main = "node_modules/touchstone/dist/cli/main.js";
    expect(project.run(main, "--version")).toEqual({ code: 0, output: "0.1.0\n" });
    expect(project.run(main, "init", "log").code).toBe(0);
    project.write("elsewhere.mjs", 'Object.defineProperty(process, "arch", { value: "riscv64" });');
    const { code, output } = project.run(
      "--import",
      "./elsewhere.mjs",
      main,
      "fsck",
      "--config",
      "log/touchstone.toml",
    );
    expect(code).toBe(2);
    expect(output).toMatch(
      /^touchstone: SQLite does not load on \w+-riscv64: compile it with "npm explore .*\n$/,
    );
  });
});
