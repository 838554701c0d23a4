/** Runs QEMU's programs for images, and tells what they say in words that say what to do. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { LockstepError } from '../../daemon/sys/errors.ts';

export interface QemuRun {
  readonly signal: AbortSignal;
  /** Of `-p`, 0 to 100. */
  readonly onPercent?: (percent: number) => void;
  /** Each line of standard output. */
  readonly onLine?: (line: string) => void;
}

export interface QemuResult {
  /** The exit code; 128 where a signal ended it. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

type Program = 'qemu-img' | 'qemu-io';

const PERCENT = /\((\d+(?:\.\d+)?)\/100%\)/g;
const ENDED_BY_SIGNAL = 128;
/** An image that tells more of itself than this is no image. */
const MAX_OUTPUT_CHARACTERS = 4 * 1024 * 1024;

/** However it ends; when this settles the program is gone, also where the signal ended it. */
export async function runQemu(program: Program, args: readonly string[], run: QemuRun): Promise<QemuResult> {
  run.signal.throwIfAborted();
  // Its messages are looked at, and are only then in English.
  const env = { ...process.env, LC_ALL: 'C' };
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  const kill = (): void => {
    child.kill('SIGTERM');
  };
  run.signal.addEventListener('abort', kill);
  const stdout = new Output(run);
  const stderr = new Output({});
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout.add(chunk);
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr.add(chunk);
  });
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    run.signal.throwIfAborted();
    return { status: code ?? ENDED_BY_SIGNAL, stdout: stdout.end(), stderr: stderr.end() };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') throw missing(program, error);
    throw error;
  } finally {
    run.signal.removeEventListener('abort', kill);
  }
}

/** Lines and percentages as they come; the text is kept where nobody takes the lines. */
class Output {
  readonly #run: Pick<QemuRun, 'onPercent' | 'onLine'>;
  #text = '';

  constructor(run: Pick<QemuRun, 'onPercent' | 'onLine'>) {
    this.#run = run;
  }

  add(chunk: string): void {
    const { onPercent, onLine } = this.#run;
    if (onPercent !== undefined)
      for (const [, percent] of chunk.matchAll(PERCENT)) onPercent(Number(percent));
    this.#text = (this.#text + chunk).slice(-MAX_OUTPUT_CHARACTERS);
    if (onLine === undefined) return;
    const lines = this.#text.split('\n');
    this.#text = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  }

  end(): string {
    if (this.#text !== '') this.#run.onLine?.(this.#text);
    return this.#text;
  }
}

function missing(program: Program, cause: Error): LockstepError {
  return failure('QEMU_IMG_MISSING', `${program} is not installed here`, {
    next: 'On Debian: apt-get install qemu-utils',
    cause,
  });
}

/**
 * The first thing that a program says is what went wrong. Left out are its own name, and that of what it could not open:
 * people wrote that themselves, perhaps with a password in it, or they never wrote it.
 */
export function complaintOf({ stdout, stderr }: QemuResult): string {
  const lines = `${stderr}\n${stdout}`.split(/[\n\r]+/).map((line) => line.trim());
  const said = lines.filter((line) => line !== '' && !PERCENT_LINE.test(line) && !MODULE.test(line));
  const [first = 'it said nothing'] = said;
  return first.replace(/^qemu-(img|io): /, '').replaceAll(/Could not open '.*?': /g, '');
}

const PERCENT_LINE = /^\(\d+(\.\d+)?\/100%\)$/;
/** Told once more as an unknown protocol. */
const MODULE = /^qemu(-img)?: module /;

export function failure(
  reason: string,
  message: string,
  { next, cause }: { readonly next: string; readonly cause?: unknown },
): LockstepError {
  return new LockstepError('FAILED_PRECONDITION', message, {
    reason,
    metadata: { next },
    ...(cause === undefined ? {} : { cause }),
  });
}
