/** What every command gets: the client of the server that the user named, and where and how to print. */
import { InvalidArgumentError } from 'commander';
import { DEFAULT_SERVER, LockstepClient } from '../lockstep.ts';
import type { Operation } from '../operations.ts';
import type { Database } from '../../proto/gen/lockstep/v1/database_service.ts';
import { Credentials } from './credentials.ts';
import { Interrupted } from './errors.ts';
import { type Json, jsonText } from './json.ts';
import { showProgress } from './progress.ts';
import { type Paint, paintFor } from './text.ts';

export interface GlobalOptions {
  readonly server?: string;
  readonly output?: 'text' | 'json';
}

export interface Context {
  readonly client: LockstepClient;
  readonly credentials: Credentials;
  readonly json: boolean;
  readonly paint: Paint;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** The text for people, or the JSON, whichever was asked for. */
  print(text: () => string, json: () => Json): void;
  /** For people only: not part of what `-o json` promises. */
  note(text: string): void;
}

export function serverOf(options: GlobalOptions): string {
  return options.server ?? DEFAULT_SERVER;
}

export function parseOutput(value: string): 'text' | 'json' {
  if (value === 'text' || value === 'json') return value;
  throw new InvalidArgumentError('allowed: text, json');
}

/** Runs a command; the connection is closed and Ctrl-C is given back whatever happens. */
export async function withContext(
  options: GlobalOptions,
  command: (context: Context) => Promise<void>,
): Promise<void> {
  const client = new LockstepClient({ server: serverOf(options) });
  const aborter = new AbortController();
  const interrupt = (): void => {
    aborter.abort();
  };
  process.once('SIGINT', interrupt);
  const json = options.output === 'json';
  try {
    await command({
      client,
      credentials: new Credentials(),
      json,
      paint: paintFor(process.stdout),
      signal: aborter.signal,
      print(text, makeJson) {
        process.stdout.write(json ? jsonText(makeJson()) : text());
      },
      note(text) {
        if (!json) process.stdout.write(`${text}\n`);
      },
    });
  } catch (error) {
    if (!aborter.signal.aborted || error instanceof Interrupted) throw error;
    throw new Interrupted('Nothing was left half done by this command.');
  } finally {
    process.removeListener('SIGINT', interrupt);
    client.close();
  }
}

/** Shows each task until the operation is done. Ctrl-C leaves the operation to control, which does not need us. */
export async function follow(context: Context, operation: Operation): Promise<Database | undefined> {
  const stream = context.json ? process.stderr : process.stdout;
  const progress = showProgress(stream, !context.json);
  try {
    return await context.client.operations.wait(operation.name, {
      signal: context.signal,
      onProgress: (changed) => {
        progress.update(changed);
      },
    });
  } catch (error) {
    if (!context.signal.aborted) throw error;
    throw new Interrupted(
      `The operation goes on without you. Watch it: lockstep operation watch ${operation.name}`,
    );
  } finally {
    await progress.end();
  }
}
