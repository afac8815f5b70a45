// The arrows of docs/architecture.md: each layer may import what stands below it, and nothing else.
const layer = (name, allowed) => ({
  name: `${name}-imports-only-what-is-below`,
  severity: "error",
  from: { path: `^src/${name}/` },
  to: { path: "^src/", pathNot: `^src/(?:${[name, ...allowed].join("|")})/` },
});

/** The chunk of TDX and NVIDIA. */
const JUDGES =
  "^src/verifier/(?:(?:tdx|nvidia|ra-tls|x509)/|appraisal/(?:judge-machine|judge-devices|tuple|channel-binding|certificate-binding)\\.ts$)";

module.exports = {
  forbidden: [
    layer("protocol", []),
    layer("node", ["protocol"]),
    layer("verifier", ["protocol"]),
    layer("sealed", ["protocol", "verifier"]),
    layer("testing", ["protocol", "verifier"]),
    layer("attester", ["protocol", "verifier", "sealed", "node", "http"]),
    layer("views", ["protocol", "verifier"]),
    layer("log", ["protocol", "node"]),
    layer("publisher", ["protocol", "verifier", "node"]),
    layer("auditor", ["protocol", "verifier", "node", "log"]),
    layer("http", []),
    layer("mirror", ["protocol", "verifier", "node", "log", "auditor", "http"]),
    layer("service", ["protocol", "verifier", "views", "node", "log", "http"]),
    layer("witness", ["protocol", "node", "http"]),
    layer("verifier-node", ["protocol", "verifier", "node"]),
    layer("gate", ["protocol", "verifier", "sealed"]),
    {
      name: "browser-code-imports-no-node-module",
      severity: "error",
      from: { path: "^src/(?:protocol|verifier|sealed|views|testing)/" },
      to: { dependencyTypes: ["core"] },
    },
    {
      // Who only verifies installs no HTTP client, and who runs a log loads one only where its processes show each other certificates.
      name: "only-the-gate-and-mutual-tls-need-undici",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(?:gate/|node/mutual-tls/fetch\\.ts$)" },
      to: { path: "node_modules/undici/", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "mutual-tls-is-loaded-when-configured",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^src/node/mutual-tls/fetch\\.ts$", dependencyTypesNot: ["dynamic-import", "type-only"] },
    },
    {
      name: "only-the-client-of-buckets-needs-aws4fetch",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/node/objects/s3-client\\.ts$" },
      to: { path: "node_modules/aws4fetch/" },
    },
    {
      // Who has no bucket does not load the client of one.
      name: "buckets-are-opened-when-configured",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/node/objects/" },
      to: {
        path: "^src/node/objects/(?:s3-|probe|listing)",
        dependencyTypesNot: ["dynamic-import", "type-only"],
      },
    },
    {
      name: "protocol-needs-no-heavy-cryptography",
      severity: "error",
      from: { path: "^src/(?:protocol|verifier/(?:bundle/)?[^/]+\\.ts)" },
      to: { path: "node_modules/(?:@noble/curves|@peculiar)" },
    },
    {
      // Nobody carries ML-DSA-44 who meets no key of it: its code is a chunk of its own, loaded when it is needed.
      name: "ml-dsa-44-is-loaded-when-needed",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/protocol/note/ml-dsa-44\\.ts$" },
      to: {
        path: "^src/protocol/note/ml-dsa-44\\.ts$|node_modules/@noble/post-quantum",
        dependencyTypesNot: ["dynamic-import", "type-only"],
      },
    },
    {
      // Nor what judges evidence, who only verifies bundles; and a page asks log and machine before it evaluates it (appraisal/judge-machine.ts).
      name: "what-judges-evidence-is-loaded-when-needed",
      severity: "error",
      from: { path: "^src/(?:verifier|sealed)/", pathNot: JUDGES },
      to: {
        path: JUDGES,
        pathNot:
          "^src/verifier/(?:tdx/(?:tdx-checks|ccel-table|collateral[a-z.-]*)|nvidia/device-checks|ra-tls/own-binding)\\.ts$",
        dependencyTypesNot: ["dynamic-import", "type-only"],
      },
    },
    {
      // A command is one file, or a file and the folder of its name; what commands share lies beside their folder.
      name: "no-command-imports-another-command",
      severity: "error",
      from: { path: "^src/cli/commands/([^/.]+)" },
      to: { path: "^src/cli/commands/", pathNot: "^src/cli/commands/$1(?:/|\\.ts$)" },
    },
    {
      name: "only-open-store-names-a-back-end",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/log/store/(?:sqlite/|postgres/|open-store\\.ts)" },
      to: { path: "^src/log/store/(?:sqlite|postgres)/" },
    },
    {
      name: "no-back-end-knows-another",
      severity: "error",
      from: { path: "^src/log/store/(sqlite|postgres)/" },
      to: { path: "^src/log/store/(?:sqlite|postgres)/", pathNot: "^src/log/store/$1/" },
    },
    {
      // Who keeps a log in SQLite does not load a driver of PostgreSQL.
      name: "only-the-postgres-store-needs-pg",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/log/store/postgres/" },
      to: { path: "node_modules/pg/", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "postgres-is-loaded-when-it-is-named",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/log/store/postgres/" },
      to: { path: "^src/log/store/postgres/", dependencyTypesNot: ["dynamic-import", "type-only"] },
    },
    {
      // The help of a command loads none of what the command does: that is in actions/, and imported when it is called.
      name: "commands-only-say-what-they-take",
      severity: "error",
      from: {
        path: "^src/cli/(?:commands/|commands\\.ts|program\\.ts|run\\.ts|options\\.ts|[a-z-]+-(?:command|options)\\.ts)",
      },
      to: {
        path: "^src/",
        pathNot: [
          "^src/cli/(?:commands|context|judge-once|program|options|proxy|without-secrets|[a-z-]+-(?:command|options))",
          "^src/node/package-root\\.ts$",
          "^src/protocol/(?:errors|encoding/[a-z-]+|entry/(?:name|boot))\\.ts$",
          "^src/publisher/trust-root/roles\\.ts$",
        ],
        dependencyTypesNot: ["dynamic-import", "type-only"],
      },
    },
    {
      // They run in the reader's browser: of the service they know what a page says, of Node nothing.
      name: "page-scripts-run-in-browsers",
      severity: "error",
      from: { path: "^src/service/pages/scripts/" },
      to: {
        pathNot: "^(?:src/(?:protocol|verifier|service/pages/scripts)/|node_modules/@noble/)",
        dependencyTypesNot: ["type-only"],
      },
    },
    {
      // Validators are generated from the schemas; what runs has no use for zod (docs/architecture.md, "From a schema to a validator").
      name: "formats-are-read-without-zod",
      severity: "error",
      from: {
        path: "^src/(?:protocol|verifier|verifier-node|gate|sealed|views|testing)/",
        pathNot: "\\.schema\\.ts$",
      },
      to: { path: "node_modules/zod/" },
    },
    {
      // The service's routes are its OpenAPI description.
      name: "schemas-are-for-generators-and-openapi",
      severity: "error",
      from: { path: "^src/", pathNot: "\\.schema\\.ts$|^src/service/(?:routes|entries)/" },
      to: { path: "\\.schema\\.ts$", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "no-circles",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default"] },
  },
};
