/** What every command gets: the client of the server that the user named, and where and how to print. */
import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { LockstepError, messageOf } from '../../daemon/sys/errors.ts';
import {
  DEFAULT_SERVER,
  LockstepClient,
  type Operation,
  type OperationResult,
  type TlsOptions,
} from '../lockstep.ts';
import { Credentials } from './credentials.ts';
import { Interrupted } from './errors.ts';
import { type Json, jsonText } from './json.ts';
import { showProgress } from './progress.ts';
import { type Paint, paintFor } from './text.ts';

export interface GlobalOptions {
  readonly server?: string;
  readonly output?: 'table' | 'json';
  readonly json?: boolean;
  readonly tls?: boolean;
  readonly tlsCa?: string;
  readonly tlsCertificate?: string;
  readonly tlsKey?: string;
  readonly tlsServerName?: string;
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

export function wantsJson(options: GlobalOptions): boolean {
  return options.json === true || options.output === 'json';
}

/** `text` is what the tables were called before there was a choice of words. */
export function parseOutput(value: string): 'table' | 'json' {
  if (value === 'table' || value === 'text') return 'table';
  if (value === 'json') return value;
  throw new InvalidArgumentError('allowed: table, json');
}

/** Undefined where nothing is said of TLS. */
export function tlsOf(options: GlobalOptions): TlsOptions | undefined {
  const { tls = false, tlsCa, tlsCertificate, tlsKey, tlsServerName } = options;
  if (!tls && [tlsCa, tlsCertificate, tlsKey, tlsServerName].every((given) => given === undefined))
    return undefined;
  return {
    ...(tlsCa === undefined ? {} : { ca: readPem('--tls-ca', tlsCa) }),
    ...(tlsCertificate === undefined ? {} : { certificate: readPem('--tls-certificate', tlsCertificate) }),
    ...(tlsKey === undefined ? {} : { key: readPem('--tls-key', tlsKey) }),
    ...(tlsServerName === undefined ? {} : { serverName: tlsServerName }),
  };
}

function readPem(option: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new LockstepError('INVALID_ARGUMENT', `${option}: ${messageOf(cause)}`, {
      reason: 'TLS_UNREADABLE',
      metadata: { next: `Give ${option} a PEM file that you can read.` },
      cause,
    });
  }
}

/** Runs a command; the connection is closed and Ctrl-C is given back whatever happens. */
export async function withContext(
  options: GlobalOptions,
  command: (context: Context) => Promise<void>,
): Promise<void> {
  const tls = tlsOf(options);
  const client = new LockstepClient({ server: serverOf(options), ...(tls === undefined ? {} : { tls }) });
  const aborter = new AbortController();
  const interrupt = (): void => {
    aborter.abort();
  };
  process.once('SIGINT', interrupt);
  const json = wantsJson(options);
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
export async function follow(context: Context, operation: Operation): Promise<OperationResult> {
  const stream = context.json ? process.stderr : process.stdout;
  const progress = showProgress(stream, !context.json);
  try {
    return await context.client.operations.result(operation.name, {
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
