// Leaves one thing out of mutation testing: what errors, logs and schemas tell people, whose wording no program reads. Left out is a string
// or template that holds a blank, within the arguments of an error's constructor (`super`, too) or of a call in CALLS. Codes hold no blank, formats and
// prefixes stand elsewhere, so they stay in.

const CALLS = new Set([
  "fail",
  "refuse",
  "refuseBroken",
  "refuseUnacceptable",
  "unusable",
  "describe",
  "debug",
  "info",
  "warn",
  "error",
]);

/** The name that is called: `fail` of `fail(…)`, `this.#fail(…)` and `x.fail(…)`. */
function nameOf(callee) {
  if (callee.type === "Identifier") return callee.name;
  if (callee.type !== "MemberExpression") return "";
  return callee.property.type === "PrivateName" ? callee.property.id.name : callee.property.name;
}

/** Whether this is within the class of an error, whose constructor hands its text on. */
function isInError(path) {
  return path.findParent(({ node }) => node.type === "ClassDeclaration")?.node.id.name.endsWith("Error");
}

function speaksToPeople(path) {
  const { node } = path;
  if (node.type === "NewExpression") return nameOf(node.callee).endsWith("Error");
  if (node.type === "CallExpression" && node.callee.type === "Super") return isInError(path);
  return node.type === "CallExpression" && CALLS.has(nameOf(node.callee));
}

function textOf({ node }) {
  if (node.type === "StringLiteral") return node.value;
  return node.type === "TemplateLiteral" ? node.quasis.map(({ value }) => value.raw).join("") : "";
}

const textsForPeople = {
  shouldIgnore(path) {
    if (textOf(path).includes(" ") && path.findParent(speaksToPeople) !== null) return "a text for people";
  },
};

export const strykerPlugins = [{ kind: "Ignore", name: "texts-for-people", value: textsForPeople }];
