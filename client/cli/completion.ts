/** Completion scripts for shells, made of the commands. Pure. */
import type { Argument, Command, Option } from 'commander';
import { EXPLANATIONS } from './explanations.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** What may follow a path of words. */
interface Place {
  /** Such as `database create`; empty: the program itself. */
  readonly path: string;
  readonly words: readonly { readonly word: string; readonly about: string }[];
  readonly options: readonly Option[];
}

export function completionScript(shell: Shell, program: Command): string {
  const places = placesOf(program, '', []);
  switch (shell) {
    case 'bash':
      return bash(places);
    case 'zsh':
      return zsh(places);
    case 'fish':
      return fish(places);
  }
}

function placesOf(command: Command, path: string, inherited: readonly Option[]): readonly Place[] {
  const options = [...command.options, ...inherited];
  const below = command.commands.map((each) => ({ word: each.name(), about: each.description() }));
  const words = path === '' ? [...below, { word: 'help', about: 'what there is' }] : below;
  const mine: Place = {
    path,
    words: [...words, ...command.registeredArguments.flatMap((each) => choicesOf(path, each))],
    options,
  };
  return [
    mine,
    ...command.commands.flatMap((each) => placesOf(each, `${path} ${each.name()}`.trim(), options)),
  ];
}

/** Arguments that take words of a fixed list. */
function choicesOf(
  path: string,
  argument: Argument,
): readonly { readonly word: string; readonly about: string }[] {
  if (path === 'completion') return SHELLS.map((word) => ({ word, about: 'a shell' }));
  if (path === 'explain') {
    const all = new Set(Object.values(EXPLANATIONS).flatMap((entries) => Object.keys(entries)));
    return [...all].map((word) => ({ word, about: 'a word' }));
  }
  return (argument.argChoices ?? []).map((word) => ({ word, about: argument.description }));
}

function flagsOf(options: readonly Option[]): readonly string[] {
  return options.flatMap(({ short, long }) => [short, long]).filter((flag) => flag !== undefined);
}

const takesValue = (option: Option): boolean => option.required || option.optional;

/** Values of an option: its choices, or undefined where anything may follow. */
function valuesOf(option: Option): readonly string[] | undefined {
  if (option.long === '--output') return ['table', 'json'];
  return option.argChoices;
}

/** Its words are of a-z, 0-9, `_` and `-`: nothing has to be quoted. */
function bash(places: readonly Place[]): string {
  const all = places.flatMap(({ options }) => options);
  const valued = [...new Set(flagsOf(all.filter(takesValue)))];
  const files = flagsOf(all.filter(({ flags }) => /<(file|folder)>/.test(flags)));
  const chosen = new Map(
    all.flatMap((option) =>
      flagsOf([option]).map((flag): [string, readonly string[] | undefined] => [flag, valuesOf(option)]),
    ),
  );
  const choices = [...chosen].flatMap(([flag, values]) =>
    values === undefined
      ? []
      : [`    ${flag}) COMPREPLY=($(compgen -W '${values.join(' ')}' -- "$current")); return ;;`],
  );
  const cases = places.map(
    ({ path, words, options }) =>
      `    '${path}') words='${words.map(({ word }) => word).join(' ')}' options='${flagsOf(options).join(' ')} --help' ;;`,
  );
  return `# bash completion for lockstep. Made by: lockstep completion bash
_lockstep() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  local place='' next words='' options='' index skip=''
  COMPREPLY=()
  case $previous in
${choices.join('\n')}
    ${[...new Set(files)].join('|')}) COMPREPLY=($(compgen -f -- "$current")); return ;;
    ${valued.join('|')}) return ;;
  esac
  for ((index = 1; index < COMP_CWORD; index++)); do
    next=\${COMP_WORDS[index]}
    if [ -n "$skip" ]; then skip=''; continue; fi
    case $next in
      ${valued.join('|')}) skip=yes ;;
      -*) ;;
      *) case "$place\${place:+ }$next" in
${places
  .filter(({ path }) => path !== '')
  .map(({ path }) => `        '${path}') place='${path}' ;;`)
  .join('\n')}
      esac ;;
    esac
  done
  case $place in
${cases.join('\n')}
  esac
  case $current in
    -*) COMPREPLY=($(compgen -W "$options" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
  esac
}
complete -o default -F _lockstep lockstep
`;
}

/** zsh runs the script of bash by its own compatibility. */
function zsh(places: readonly Place[]): string {
  return `#compdef lockstep
# zsh completion for lockstep. Made by: lockstep completion zsh
autoload -U +X compinit && compinit -u
autoload -U +X bashcompinit && bashcompinit
${bash(places)}`;
}

function fish(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, words, options }) => {
    const when = `-n '__lockstep_at "${path}"'`;
    return [
      ...words.map(({ word, about }) => `complete -c lockstep ${when} -f -a '${word}' -d '${quoted(about)}'`),
      ...options.map((option) => {
        const long = option.long === undefined ? '' : ` -l ${option.long.slice(2)}`;
        const short = option.short === undefined ? '' : ` -s ${option.short.slice(1)}`;
        const values = valuesOf(option);
        const value = takesValue(option)
          ? ` -r${values === undefined ? '' : ` -f -a '${values.join(' ')}'`}`
          : '';
        return `complete -c lockstep ${when}${short}${long}${value} -d '${quoted(option.description)}'`;
      }),
    ];
  });
  return `# fish completion for lockstep. Made by: lockstep completion fish
function __lockstep_at
  set -l place ''
  for word in (commandline -opc)[2..-1]
    switch $word
      case '-*'
        continue
    end
    set -l longer (string trim "$place $word")
    if contains -- $longer ${places
      .filter(({ path }) => path !== '')
      .map(({ path }) => `'${path}'`)
      .join(' ')}
      set place $longer
    end
  end
  test "$place" = "$argv[1]"
end
complete -c lockstep -f
${lines.join('\n')}
`;
}

function quoted(text: string): string {
  return text.replaceAll(/['\\]/g, '\\$&');
}
