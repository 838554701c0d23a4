/** `lockstep operation ...` */
import type { Command } from 'commander';
import { operationName } from '../resource-names.ts';
import { run } from './command.ts';
import { type Context, follow } from './context.ts';
import { operationJson } from './json.ts';
import { renderOperation, renderOperationLine, renderOperationTable } from './render-operation.ts';

const NAME = ['<name>', 'operations/... as list shows it; the part after the slash will do'] as const;

export function addOperationCommands(program: Command): void {
  const operation = program.command('operation').description('what control is doing, and did');
  operation.command('list').description('every operation').action(run(list));
  operation
    .command('get')
    .description('one, with its tasks as they are now')
    .argument(...NAME)
    .action(run(get));
  operation
    .command('watch')
    .description('show the tasks of an operation until it is done')
    .argument(...NAME)
    .action(run(watch));
}

async function list(context: Context): Promise<void> {
  const operations = await context.client.operations.list({ signal: context.signal });
  context.print(
    () => renderOperationTable(operations, context.paint),
    () => operations.map(operationJson),
  );
}

async function get(context: Context, [name = '']: readonly string[]): Promise<void> {
  const operation = await context.client.operations.get(name, { signal: context.signal });
  context.print(
    () => renderOperation(operation),
    () => operationJson(operation),
  );
}

async function watch(context: Context, [given = '']: readonly string[]): Promise<void> {
  const name = operationName(given);
  await follow(context, await context.client.operations.get(name, { signal: context.signal }));
  const operation = await context.client.operations.get(name);
  context.print(
    () => `${renderOperationLine(operation)}\n`,
    () => operationJson(operation),
  );
}
