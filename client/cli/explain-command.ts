/** `lockstep explain [word]`: what a state, an event or an error means, and what to do. It asks nobody. */
import type { Command } from 'commander';
import { type GlobalOptions, wantsJson } from './context.ts';
import { UsageError } from './errors.ts';
import { alike, explain, EXPLANATIONS, type Explained } from './explanations.ts';
import { type Json, jsonText } from './json.ts';
import { factSheet, type Paint, paintFor, wrapped } from './text.ts';

const WIDTH = 80;

export function addExplainCommand(program: Command): void {
  program
    .command('explain')
    .description('what a state, an event or an error means, whether data is at risk, and what to do')
    .argument('[word]', 'such as DEGRADED, FENCED or NO_ROOM; all words when left out')
    .action((word: string | undefined, _options: unknown, command: Command) => {
      const isJson = wantsJson(command.optsWithGlobals<GlobalOptions>());
      const paint = paintFor(process.stdout);
      if (word === undefined) process.stdout.write(isJson ? jsonText(allJson()) : renderAll(paint));
      else {
        const found = meaningsOf(word);
        process.stdout.write(
          isJson ? jsonText(found.map((each) => ({ ...each }))) : renderFound(found, paint),
        );
      }
    });
}

function meaningsOf(word: string): readonly Explained[] {
  const found = explain(word);
  if (found.length > 0) return found;
  const meant = alike(word);
  throw new UsageError(
    `${JSON.stringify(word)} is no word of Lockstep's`,
    meant.length > 0 ? `${meant.join(', ')}, ...` : 'the words that lockstep explain lists',
  );
}

function renderFound(found: readonly Explained[], paint: Paint): string {
  return found
    .map(({ word, kind, means, risk, next }) =>
      factSheet(
        `${word} (${kind})`,
        [
          ['means', filled(means)],
          ['data at risk', filled(risk)],
          ['to do', filled(next)],
        ],
        paint,
      ),
    )
    .join('\n');
}

const INDENT = ' '.repeat('  data at risk  '.length);

function filled(text: string): string {
  return wrapped(text, WIDTH, INDENT).join('\n').trimStart();
}

function renderAll(paint: Paint): string {
  const sections = Object.entries(EXPLANATIONS).map(([kind, entries]) =>
    [paint('heading', kind), ...wrapped(Object.keys(entries).join(' '), WIDTH, '  ')].join('\n'),
  );
  return `${sections.join('\n')}\n`;
}

function allJson(): Json {
  return Object.entries(EXPLANATIONS).flatMap(([kind, entries]) =>
    Object.entries(entries).map(([word, [means, risk, next]]) => ({ kind, word, means, risk, next })),
  );
}
