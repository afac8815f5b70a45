// Writes completion scripts for shells out of the tree of commands.
import type { Command } from "commander";

/** A command with the words that lead to it, "" for the program. */
interface Node {
  readonly path: string;
  readonly command: Command;
}

export function completionFor(shell: "bash" | "zsh" | "fish", program: Command): string {
  const nodes = nodesOf(program);
  if (shell === "fish") return fish(nodes);
  return shell === "zsh"
    ? `#compdef touchstone\nautoload -U +X bashcompinit && bashcompinit\n${bash(nodes)}`
    : bash(nodes);
}

function nodesOf(command: Command, path = ""): Node[] {
  const below = command.commands.flatMap((each) => nodesOf(each, `${path} ${each.name()}`.trimStart()));
  return [{ path, command }, ...below];
}

const optionsOf = ({ command }: Node) => [...command.options.map(({ long }) => long ?? ""), "--help"];
const namesOf = ({ command }: Node) => command.commands.map((each) => each.name());

/** Where nothing of this fits, the shell completes file names. */
function bash(nodes: readonly Node[]): string {
  const paths = nodes.flatMap(({ path }) => (path === "" ? [] : [`"${path}"`]));
  const cases = nodes.map(
    (node) =>
      `    "${node.path}") names="${namesOf(node).join(" ")}" options="${optionsOf(node).join(" ")}" ;;`,
  );
  return `# touchstone completion for bash, and for zsh over bashcompinit.
_touchstone() {
  local path="" names="" options="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${path:+$path }\${COMP_WORDS[i]}" in
      ${paths.join(" | ")}) path="\${path:+$path }\${COMP_WORDS[i]}" ;;
    esac
  done
  case "$path" in
${cases.join("\n")}
  esac
  local current="\${COMP_WORDS[COMP_CWORD]}"
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$options" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$names" -- "$current")) ;;
  esac
}
complete -o default -F _touchstone touchstone
`;
}

function fish(nodes: readonly Node[]): string {
  const paths = nodes.flatMap(({ path }) => (path === "" ? [] : [quote(path)]));
  const at = (path: string) => `complete -c touchstone -n ${quote(`__touchstone_at ${quote(path)}`)}`;
  const names = nodes.flatMap(({ path, command }) =>
    command.commands.map((each) => `${at(path)} -f -a ${each.name()} -d ${quote(each.description())}`),
  );
  const options = nodes.flatMap(({ path, command }) =>
    command.options.map(({ long, required, optional, description }) => {
      const value = required || optional ? " -r" : "";
      return `${at(path)} -l ${(long ?? "").replace(/^--/, "")}${value} -d ${quote(description)}`;
    }),
  );
  return `# touchstone completion for fish.
function __touchstone_at
  set -l path
  for word in (commandline -opc)[2..-1]
    if contains -- "$path $word" ${paths.map((path) => path.replace(/^'/, "' ")).join(" ")}
      set path "$path $word"
    end
  end
  test "$path" = (string trim -r -- " $argv[1]")
end
${[...names, ...options].join("\n")}
`;
}

/** In single quotes fish knows two escapes. */
function quote(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
