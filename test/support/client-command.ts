/** Runs a client that people use as the command it is, within a time limit, and keeps what it said. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { text } from 'node:stream/consumers';

const CLIENT_TIMEOUT_MS = 60_000;

export interface CommandResult {
  /** The exit code; what a shell says of a signal where one ended it. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** However it ends. */
export async function attempt(command: string, ...args: string[]): Promise<CommandResult> {
  const child = spawn(command, args, {
    cwd: tmpdir(),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: CLIENT_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  const outputs = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  const [stdout, stderr] = await outputs;
  return { status: code ?? 128, stdout, stderr: signal === null ? stderr : `${stderr}ended by ${signal}` };
}

/** What it printed; rejects with all it said where it failed. */
export async function output(command: string, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await attempt(command, ...args);
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${status}:\n${stderr}\n${stdout}`);
  return stdout;
}
