/** docs/cli.md has every command of `lockstep` with its flags, and no other. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import t from 'tap';
import { makeProgram } from '../../client/cli/program.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../docs/cli.md'), 'utf8');
const flags = page.slice(page.indexOf('## Flags'), page.indexOf('## Images'));

interface Leaf {
  readonly path: string;
  readonly options: readonly string[];
}

function leaves(command: Command, path: string): readonly Leaf[] {
  if (command.commands.length === 0)
    return [{ path, options: command.options.flatMap(({ long }) => long ?? []) }];
  return command.commands.flatMap((below) => leaves(below, `${path} ${below.name()}`.trim()));
}

const program = makeProgram();
const commands = leaves(program, '');
const known = new Set(commands.map(({ path }) => path));

/** The commands of a row, and the row; a name in it is in capitals, or an option, or in brackets. */
const rows = page.split('\n').flatMap((line) => {
  const [, cell = ''] = /^\| (`[^|]*`) \|/.exec(line) ?? [];
  return [...cell.matchAll(/`([a-z][^`]*)`/g)].map(([, text = '']) => {
    const words = text.split(' ');
    const end = words.findIndex((word) => !/^[a-z][a-z-]*$/.test(word));
    return { path: words.slice(0, end < 0 ? words.length : end).join(' '), line };
  });
});

t.test('every command is on the page', async (t) => {
  t.ok(commands.length > 50, `${String(commands.length)} commands`);
  const onPage = new Set(rows.map(({ path }) => path));
  t.same(
    [...known].filter((path) => !onPage.has(path)),
    [],
  );
});

t.test('every command on the page is one', async (t) => {
  t.same(
    rows.map(({ path }) => path).filter((path) => !known.has(path)),
    [],
  );
});

t.test('every flag of a command is in its row, or among the flags of all changes', async (t) => {
  const missing = commands.flatMap(({ path, options }) => {
    const text = rows.find((row) => row.path === path)?.line ?? '';
    const isChange = text.includes('*change*');
    return options
      .filter((option) => !text.includes(option))
      .filter((option) => !(isChange && flags.includes(`\`${option}`)))
      .map((option) => `${path} ${option}`);
  });
  t.same(missing, []);
});

t.test('every flag of the program is on the page', async (t) => {
  t.same(
    program.options.flatMap(({ long }) => long ?? []).filter((option) => !flags.includes(option)),
    [],
  );
});
