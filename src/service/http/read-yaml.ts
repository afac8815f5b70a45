// Reads YAML, in a module of its own that is loaded when somebody asks: the parser is large. Of a CommonJS package that is bundled, `import()`
// would give the default export alone.
export { parse as readYaml } from "yaml";
