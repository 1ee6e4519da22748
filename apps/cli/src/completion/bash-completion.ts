import type { CompletedValue } from "./completed-value.ts";
import type { CompletedCommand } from "./completion-model.ts";

/** A script for bash, from 3.2 on. It asks for no program: all that it knows stands in it. */
export function bashCompletion(commands: readonly CompletedCommand[]): string {
  const names = commands.map(({ name }) => name).join(" ");
  return `# bash completion of blkmig, made by \`blkmig completion bash\`

# What a command's option takes, or its argument by its place: sets offer, and takes whether there is a value.
_blkmig_offer() {
  takes=1
  case "$1 $2" in
${offers(commands)}
  *) offer='' takes='' ;;
  esac
}

_blkmig_options() {
  case "$1" in
${commands.map(({ name, options }) => `  ${name}) options='${options.flatMap(({ flags }) => flags).join(" ")}' ;;`).join("\n")}
  *) options='-h --help -V --version' ;;
  esac
}

_blkmig() {
  # Not COMP_WORDS: bash cuts words at = and : there.
  local line=\${COMP_LINE:0:COMP_POINT} current='' before='' command='' offer='' takes='' options='' word
  local place=0 index
  local -a words
  read -ra words <<<"$line"
  case "$line" in *[[:space:]]) words+=('') ;; esac
  current=\${words[\${#words[@]} - 1]}
  for ((index = 1; index < \${#words[@]} - 1; index++)); do
    word=\${words[index]}
    if [ -n "$before" ]; then
      before=''
    elif [ -z "$command" ]; then
      case "$word" in -*) ;; *) command=$word ;; esac
    else
      case "$word" in
      -?*)
        _blkmig_offer "$command" "$word"
        [ -n "$takes" ] && before=$word
        ;;
      *) place=$((place + 1)) ;;
      esac
    fi
  done
  case "$before$current" in --*=*) [ -z "$before" ] && before=\${current%%=*} && current=\${current#*=} ;; esac

  offer=''
  if [ -n "$before" ]; then
    _blkmig_offer "$command" "$before"
  elif [ "\${current:0:1}" = - ] && [ "$current" != - ]; then
    _blkmig_options "$command"
    offer="words $options"
  elif [ -z "$command" ]; then
    offer='words ${names}'
  else
    _blkmig_offer "$command" "$place"
  fi

  COMPREPLY=()
  local IFS=$'\\n'
  case "$offer" in
  named-files) case "$current" in *=*) current=\${current#*=} offer=files ;; esac ;;
  esac
  case "$offer" in
  files) COMPREPLY=($(compgen -f -- "$current")) && type compopt &>/dev/null && compopt -o filenames 2>/dev/null ;;
  folders) COMPREPLY=($(compgen -d -- "$current")) && type compopt &>/dev/null && compopt -o filenames 2>/dev/null ;;
  words*)
    offer=\${offer#words }
    COMPREPLY=($(compgen -W "\${offer// /$'\\n'}" -- "$current"))
    # What has been typed up to a : is a word of its own for bash.
    case "$COMP_WORDBREAKS" in *:*) COMPREPLY=("\${COMPREPLY[@]#"\${current%"\${current##*:}"}"}") ;; esac
    case "\${COMPREPLY[0]-}" in *[:/]) type compopt &>/dev/null && compopt -o nospace 2>/dev/null ;; esac
    ;;
  esac
  return 0
}

complete -F _blkmig blkmig
`;
}

function offers(commands: readonly CompletedCommand[]): string {
  const lines: string[] = [];
  for (const { name, options, places } of commands) {
    for (const { flags, value } of options) {
      if (value) lines.push(`  ${flags.map((flag) => `'${name} ${flag}'`).join(" | ")}) offer='${spelled(value)}' ;;`);
    }
    for (const [place, { value }] of places.entries()) lines.push(`  '${name} ${place}') offer='${spelled(value)}' ;;`);
  }
  return lines.join("\n");
}

function spelled(value: CompletedValue): string {
  return value.offer === "words" ? `words ${value.words.join(" ")}` : value.offer;
}
