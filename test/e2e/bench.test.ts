/** The command that compares with the peers, with the quickest of them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';

const MAIN = resolve(import.meta.dirname, '../../bench/main.ts');
const QUICK = ['--setups', 'nbdkit,file', '--size-mib', '16', '--rounds', '1'];

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly told: string;
  /** Files of it that are still there. */
  readonly left: readonly string[];
  /** Processes that still name them. */
  readonly alive: readonly string[];
}

/** `stopAt`: Ctrl-C as soon as that is told. */
async function bench(argv: readonly string[], stopAt?: string): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-test-bench-'));
  try {
    const child = spawn(process.execPath, [MAIN, ...argv], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let told = '';
    child.stderr.on('data', (chunk: Buffer) => {
      const isNew = stopAt !== undefined && !told.includes(stopAt);
      told += chunk.toString();
      if (isNew && told.includes(stopAt)) child.kill('SIGINT');
    });
    const closed = once(child, 'close');
    const out = await text(child.stdout);
    await closed;
    return { code: child.exitCode, out, told, left: readdirSync(folder), alive: commandsNaming(folder) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function commandsNaming(folder: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return '';
      }
    })
    .filter((command) => command.includes(folder));
}

t.test('a short run prints a table, refuses ratios, and leaves nothing behind', async (t) => {
  const { code, out, told, left, alive } = await bench([
    ...QUICK,
    '--only',
    'write4k-qd16',
    '--seconds',
    '1',
  ]);
  t.equal(code, 0, told);
  t.match(told, /round 1\/1 +write4k-qd16 +nbdkit +[\d,]+ IOPS/);
  t.match(out, /^\| nbdkit +\| +[\d,]+ IOPS \|/m);
  t.match(out, /^\| plain file +\| +[\d,]+ IOPS \|/m);
  t.match(out, /No ratio is told from fewer than 3 rounds/);
  t.strictSame({ left, alive }, { left: [], alive: [] });
});

t.test('Ctrl-C ends the servers and fio at once, and leaves nothing behind', async (t) => {
  const { code, told, left, alive } = await bench([...QUICK, '--seconds', '100'], 'starting plain file');
  t.equal(code, 130, told);
  t.strictSame({ left, alive }, { left: [], alive: [] });
});

t.test('a name that is none is refused in words', async (t) => {
  const { code, told } = await bench(['--only', 'erase4k']);
  t.equal(code, 2);
  t.match(told, /^--only is "erase4k"; allowed: write4k-qd1, /);
});
