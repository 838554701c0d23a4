/** What the commands have in common: how they are run, the flags of a change, and the question before a loss. */
import { createInterface } from 'node:readline/promises';
import { type Command, InvalidArgumentError } from 'commander';
import type { ChangeSettings, Operation, OperationResult } from '../lockstep.ts';
import { type Context, follow, type GlobalOptions, withContext } from './context.ts';
import { UsageError } from './errors.ts';
import { operationJson } from './json.ts';

export type Action<Options> = (context: Context, words: readonly string[], options: Options) => Promise<void>;

/** Commander hands over the arguments, then the options, then the command. */
export function run<Options extends GlobalOptions>(
  action: Action<Options>,
): (...given: unknown[]) => Promise<void> {
  return async (...given) => {
    const command = given.at(-1) as Command;
    const options = command.optsWithGlobals<Options>();
    await withContext(options, (context) => action(context, command.args, options));
  };
}

export interface ChangeOptions extends GlobalOptions {
  readonly etag?: string;
  readonly requestId?: string;
  readonly validateOnly?: boolean;
  readonly wait?: boolean;
  readonly yes?: boolean;
}

/** The flags of every command that begins an operation. */
export function requestFlags(command: Command): Command {
  return command
    .option('--request-id <uuid>', 'the same again answers the same operation; made up when left out')
    .option('--validate-only', 'check everything, change nothing')
    .option('--no-wait', 'answer with the operation instead of waiting for its end')
    .option('--wait', 'wait for its end (the default)');
}

export const ETAG_OPTION = ['--etag <etag>', 'only if it is still what was seen under this etag'] as const;
export const YES_OPTION = ['--yes', 'do not ask'] as const;

/** Those of an operation that changes what is there. */
export function changeFlags(command: Command): Command {
  return requestFlags(command.option(...ETAG_OPTION));
}

/** Those that take something away. */
export function removalFlags(command: Command): Command {
  return changeFlags(command.option(...YES_OPTION));
}

export function settingsOf(context: Context, options: ChangeOptions): ChangeSettings {
  const { etag, requestId, validateOnly = false } = options;
  return {
    signal: context.signal,
    validateOnly,
    ...(etag === undefined ? {} : { etag }),
    ...(requestId === undefined ? {} : { requestId }),
  };
}

/** The end of every command that began an operation: checked alone, left to control, or waited for and shown. */
export async function settle(
  context: Context,
  options: ChangeOptions,
  operation: Operation,
  show: (result: OperationResult) => Promise<void> | void,
): Promise<void> {
  if (options.validateOnly === true) {
    context.print(
      () => 'It could be done as asked; nothing was changed.\n',
      () => operationJson(operation),
    );
    return;
  }
  if (options.wait === false) {
    printOperation(context, operation);
    return;
  }
  await show(await follow(context, operation));
}

export function printOperation(context: Context, operation: Operation): void {
  context.print(
    () => `${operation.name}\nWatch it: lockstep operation watch ${operation.name}\n`,
    () => operationJson(operation),
  );
}

/** Before something that is not taken back: on a terminal the name has to be typed, elsewhere --yes has to be said. */
export async function confirm(
  context: Context,
  { yes = false, validateOnly = false }: ChangeOptions,
  { loss, id }: { readonly loss: string; readonly id: string },
): Promise<void> {
  if (yes || validateOnly) return;
  if (!process.stdin.isTTY || context.json)
    throw new UsageError(
      `${loss} That is asked before it is done, and there is no terminal to ask on`,
      '--yes',
    );
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await terminal.question(`${loss} Type ${id} to go on: `, { signal: context.signal });
    if (answer.trim() !== id) throw new UsageError('nothing was changed: the name typed differs', id);
  } finally {
    terminal.close();
  }
}

export function parseList(text: string | undefined): readonly string[] {
  return text === undefined ? [] : text.split(',').map((part) => part.trim());
}

export const ZONES_OPTION = [
  '--zones <zones>',
  'two zones, such as a,b; control chooses when left out',
] as const;
export const SINGLE_OPTION = ['--single', 'one copy instead of two'] as const;

/** `--tag team=x`, any number of times. */
export function collectPair(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined || value === undefined) throw new InvalidArgumentError('allowed: KEY=VALUE');
  return { ...before, [key]: value };
}

export function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

export function parseCount(highest: number): (text: string) => number {
  return (text) => {
    const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
    if (count < 1 || count > highest)
      throw new InvalidArgumentError(`allowed: a whole number from 1 to ${String(highest)}`);
    return count;
  };
}
