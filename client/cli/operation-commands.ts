/** `lockstep operation ...` */
import type { Command } from 'commander';
import { follow, type GlobalOptions, withContext } from './context.ts';
import { operationJson } from './json.ts';
import { renderOperationLine, renderOperationTable } from './render-operation.ts';

export function addOperationCommands(program: Command): void {
  const operation = program.command('operation').description('what control is doing, and did');
  operation
    .command('list')
    .description('every operation')
    .action(async (_options: unknown, command: Command) => {
      await list(command.optsWithGlobals<GlobalOptions>());
    });
  operation
    .command('watch')
    .description('show the tasks of an operation until it is done')
    .argument('<name>', 'operations/... as list shows it; the part after the slash will do')
    .action(async (name: string, _options: unknown, command: Command) => {
      await watch(command.optsWithGlobals<GlobalOptions>(), name);
    });
}

async function list(options: GlobalOptions): Promise<void> {
  await withContext(options, async (context) => {
    const operations = await context.client.operations.list({ signal: context.signal });
    context.print(
      () => renderOperationTable(operations, context.paint),
      () => operations.map(operationJson),
    );
  });
}

async function watch(options: GlobalOptions, given: string): Promise<void> {
  const name = given.startsWith('operations/') ? given : `operations/${given}`;
  await withContext(options, async (context) => {
    await follow(context, await context.client.operations.get(name, { signal: context.signal }));
    const operation = await context.client.operations.get(name);
    context.print(
      () => `${renderOperationLine(operation)}\n`,
      () => operationJson(operation),
    );
  });
}
