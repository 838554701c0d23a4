/** `lockstep status` */
import type { Command } from 'commander';
import { LockstepError } from '../../daemon/sys/errors.ts';
import { pause } from '../calls.ts';
import { type Context, type GlobalOptions, withContext } from './context.ts';
import { renderError, UsageError } from './errors.ts';
import { statusJson } from './json.ts';
import { renderStatus } from './render-status.ts';

const STATUS_DEADLINE_MS = 5000;
const WATCH_INTERVAL_MS = 1000;
const HOME_AND_CLEAR = '\u001b[H\u001b[J';

interface StatusOptions extends GlobalOptions {
  readonly watch?: boolean;
}

export function addStatusCommand(program: Command): void {
  program
    .command('status')
    .description('one screen: databases, hosts, what runs, and what to do about what is not right')
    .option('--watch', 'again every second, until Ctrl-C')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<StatusOptions>();
      await withContext(options, (context) => (options.watch === true ? watch(context) : once(context)));
    });
}

async function once(context: Context): Promise<void> {
  const status = await context.client.status({ signal: context.signal, deadlineMs: STATUS_DEADLINE_MS });
  context.print(
    () => renderStatus(status, { server: context.client.server, paint: context.paint }),
    () => statusJson(context.client.server, status),
  );
}

/** Control that goes away is part of what is watched. */
async function watch(context: Context): Promise<void> {
  if (context.json || !process.stdout.isTTY)
    throw new UsageError(
      '--watch redraws a screen, and there is none',
      '--watch on a terminal, without -o json',
    );
  while (!context.signal.aborted) {
    process.stdout.write(`${HOME_AND_CLEAR}${await screen(context)}`);
    await pause(WATCH_INTERVAL_MS, context.signal).catch(() => undefined);
  }
}

async function screen(context: Context): Promise<string> {
  const { client, paint } = context;
  try {
    const status = await client.status({ signal: context.signal, deadlineMs: STATUS_DEADLINE_MS });
    return renderStatus(status, { server: client.server, paint });
  } catch (error) {
    if (error instanceof LockstepError) return renderError(error, client.server, paint);
    throw error;
  }
}
