/**
 * Programs that are run to their end. Whatever touches the replicated file system is run this way, never with
 * node:fs: such a call hangs while nobody serves the volume, and four hanging calls would take all of libuv's file
 * threads, with which this same daemon serves the volume.
 */
import { spawn } from 'node:child_process';
import { LockstepError } from '../sys/errors.ts';
import { COMMAND_OUTPUT_BYTES } from './limits.ts';

export interface CommandOptions {
  readonly timeoutMs: number;
  /** Run as this user, never with our rights. */
  readonly user?: SystemUser;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

export interface CommandResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a child needs of our environment, and nothing more: no secrets, one language for messages. */
export const childEnvironment: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C.UTF-8',
};

/** Answers whatever the exit status; rejects when the program cannot be started or does not end in time. */
export function tryCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...childEnvironment, ...options.env },
      ...(options.user ?? {}),
      cwd: options.cwd ?? '/',
    });
    const out = new Tail();
    const err = new Tail();
    child.stdout.on('data', (chunk: Buffer) => {
      out.add(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      err.add(chunk);
    });
    // A child that ends before it has read its input is judged by its exit status.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    const timer = setTimeout(() => {
      // A child in uninterruptible I/O does not die of this; its caller goes on all the same.
      child.kill('SIGKILL');
      child.unref();
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
      reject(
        new LockstepError(
          'DEADLINE_EXCEEDED',
          `${program} did not end within ${String(options.timeoutMs)} ms`,
          {
            reason: 'COMMAND_TIMEOUT',
            metadata: { command: commandLine(program, args) },
          },
        ),
      );
    }, options.timeoutMs);
    child.on('error', (cause) => {
      clearTimeout(timer);
      reject(cannotRun(program, cause));
    });
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      const stderr = signal === null ? err.text() : `${err.text()}\nended by ${signal}`;
      resolve({ status: status ?? -1, stdout: out.text(), stderr });
    });
  });
}

/** Answers the standard output; an exit status other than 0 is a typed error with the program's last words. */
export async function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<string> {
  const result = await tryCommand(program, args, options);
  if (result.status !== 0) throw commandFailed(program, args, result);
  return result.stdout;
}

export function commandFailed(
  program: string,
  args: readonly string[],
  result: CommandResult,
): LockstepError {
  const said = lastLines(`${result.stdout}\n${result.stderr}`, 4).join(' | ');
  return new LockstepError(
    'INTERNAL',
    `${program} failed with status ${String(result.status)}: ${said === '' ? 'it said nothing' : said}`,
    { reason: 'COMMAND_FAILED', metadata: { command: commandLine(program, args) } },
  );
}

function cannotRun(program: string, cause: Error): LockstepError {
  return new LockstepError('FAILED_PRECONDITION', `cannot run ${program}: ${cause.message}`, {
    reason: 'PROGRAM_MISSING',
    metadata: { program },
    cause,
  });
}

export function lastLines(text: string, count: number): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .slice(-count);
}

function commandLine(program: string, args: readonly string[]): string {
  return [program, ...args].join(' ');
}

/** The last bytes of a stream: the first ones are dropped, since what went wrong stands at the end. */
class Tail {
  private chunks: Buffer[] = [];
  private bytes = 0;

  add(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
    for (let first = this.chunks[0]; first !== undefined; first = this.chunks[0]) {
      if (this.bytes - first.length < COMMAND_OUTPUT_BYTES) break;
      this.chunks.shift();
      this.bytes -= first.length;
    }
  }

  text(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }
}
