/** `lockstep event list|watch`: what happened to databases and hosts, with reasons that `explain` knows. */
import { type Command, Option } from 'commander';
import { collect, parseCount, run } from './command.ts';
import type { Context, GlobalOptions } from './context.ts';
import { eventJson } from './json.ts';
import { renderEvents } from './render-database.ts';

interface EventOptions extends GlobalOptions {
  readonly parent?: string;
  readonly reason?: readonly string[];
  readonly limit?: number;
  readonly backlog?: number;
}

const DEFAULT_EVENTS = 20;
const MOST_EVENTS = 10_000;
const MOST_BACKLOG = 500;

export function addEventCommands(program: Command): void {
  const event = program.command('event').description('what happened to databases and hosts');
  const filtered = (command: Command): Command =>
    command
      .option('--parent <name>', 'databases/NAME, hosts/NAME, databases/-, hosts/-; of all when left out')
      .addOption(new Option('--reason <reason>', 'of this one, any number of times').argParser(collect));
  filtered(event.command('list').description('what happened, the newest last'))
    .addOption(
      new Option('--limit <count>', 'how many at most')
        .argParser(parseCount(MOST_EVENTS))
        .default(DEFAULT_EVENTS),
    )
    .action(run(list));
  filtered(event.command('watch').description('each as it happens, until Ctrl-C'))
    .addOption(
      new Option('--backlog <count>', 'begin with so many of the newest').argParser(parseCount(MOST_BACKLOG)),
    )
    .action(run(watch));
}

async function list(context: Context, _words: readonly string[], options: EventOptions): Promise<void> {
  const { limit = DEFAULT_EVENTS } = options;
  const found = await context.client.events.list({ ...filterOf(options), limit, signal: context.signal });
  context.print(
    () => renderEvents(found, context.paint),
    () => found.map(eventJson),
  );
}

/** As JSON, a text for each event, one after the other. */
async function watch(context: Context, _words: readonly string[], options: EventOptions): Promise<void> {
  const { backlog = 0 } = options;
  const settings = { ...filterOf(options), backlog, signal: context.signal };
  for await (const event of context.client.events.watch(settings))
    context.print(
      () => renderEvents([event], context.paint),
      () => eventJson(event),
    );
}

function filterOf({ parent, reason = [] }: EventOptions): { parent?: string; reasons: readonly string[] } {
  return { reasons: reason, ...(parent === undefined ? {} : { parent }) };
}
