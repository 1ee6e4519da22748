import type { CompletedValue } from "./completed-value.ts";
import type { CompletedCommand, CompletedOption } from "./completion-model.ts";

/** A script for zsh: sourced, or a file called `_blkmig` in a folder of fpath. */
export function zshCompletion(commands: readonly CompletedCommand[]): string {
  return `#compdef blkmig
# zsh completion of blkmig, made by \`blkmig completion zsh\`

_blkmig_named_files() {
  if compset -P '*='; then _files; else _message 'NAME=PATH'; fi
}

_blkmig() {
  local curcontext="$curcontext" state line
  typeset -A opt_args
  _arguments -C '(-h --help)'{-h,--help}'[show the help]' '1: :->command' '*:: :->rest' && return 0
  case $state in
  command)
    local -a commands=(
${commands.map(({ name, meaning }) => `      ${quoted(`${name}:${meaning}`)}`).join("\n")}
    )
    _describe command commands
    ;;
  rest)
    case $words[1] in
${commands.map(ofCommand).join("\n")}
    esac
    ;;
  esac
}

if [ "$funcstack[1]" = _blkmig ]; then
  _blkmig "$@"
else
  compdef _blkmig blkmig
fi
`;
}

function ofCommand({ name, options, places }: CompletedCommand): string {
  const specs = [
    ...options.flatMap(ofOption),
    ...places.map(({ name: what, value }, place) => quoted(`${place + 1}:${what}:${action(value)}`)),
  ];
  return `    ${name}) _arguments -S \\\n${specs.map((spec) => `      ${spec}`).join(" \\\n")} ;;`;
}

function ofOption({ flags, meaning, value, placeholder }: CompletedOption): readonly string[] {
  const explained = `[${escaped(meaning)}]`;
  const taken = value ? `:${escaped(placeholder)}:${action(value)}` : "";
  // An option that takes a value may be said again, with it in a word of its own or after a =.
  return flags.map((flag) =>
    quoted(value ? `*${flag}${flag.startsWith("--") ? "=" : ""}${explained}${taken}` : `${flag}${explained}`),
  );
}

function action(value: CompletedValue): string {
  if (value.offer === "files") return "_files";
  if (value.offer === "folders") return "_files -/";
  if (value.offer === "named-files") return "_blkmig_named_files";
  if (value.offer === "nothing") return " ";
  // What ends in a / or a : goes on.
  const goesOn = value.words.some((word) => /[:/]$/.test(word));
  return `compadd ${goesOn ? '-S "" ' : ""}- ${value.words.map((word) => escaped(word)).join(" ")}`;
}

function escaped(text: string): string {
  return text.replaceAll(/[[\]:\\]/g, String.raw`\$&`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
