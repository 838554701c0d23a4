/** A copy of the checkout in which the code may be broken. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { spawn } from 'node:child_process';
import { LockstepError } from '../../daemon/sys/errors.ts';
import { edited, type Mutation } from './mutation.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const RANDOM_RUNS = ['test/replication', 'test/control/monitor'];
/** What all runs import, with package.json for its module type. */
const COPIED = ['package.json', 'daemon', 'control', 'proto/gen', 'test/sim', 'test/support'];
/** It has the random runs, which the farm does. */
const LEFT_OUT = 'random-runs.test.ts';
const TEST_LIMIT_MS = 60_000;

interface TreeOptions {
  /** Folders of tests that may find what no run found. */
  readonly tests?: readonly string[];
  /** Is copied too. */
  readonly also?: readonly string[];
}

export class Tree implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), 'lockstep-mutations-'));
  #tests: readonly string[];

  constructor({ tests = RANDOM_RUNS, also = [] }: TreeOptions = {}) {
    for (const path of [...COPIED, ...tests, ...also])
      cpSync(join(ROOT, path), join(this.root, path), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(this.root, 'node_modules'));
    this.#tests = tests.flatMap((folder) =>
      readdirSync(join(this.root, folder))
        .filter((name) => name.endsWith('.test.ts') && name !== LEFT_OUT)
        .map((name) => join(folder, name)),
    );
  }

  /** Those whose text is there, and what is wrong with the others, in words. */
  sort(mutations: readonly Mutation[]): {
    readonly fitting: readonly Mutation[];
    readonly problems: readonly string[];
  } {
    const fitting: Mutation[] = [];
    const problems: string[] = [];
    for (const mutation of mutations) {
      const result = this.#broken(mutation);
      if ('problem' in result) problems.push(result.problem);
      else fitting.push(mutation);
    }
    return { fitting, problems };
  }

  /** The mutation, until disposed of. */
  mutate(mutation: Mutation): Disposable {
    const result = this.#broken(mutation);
    if ('problem' in result) throw new LockstepError('FAILED_PRECONDITION', result.problem);
    const before = [...result.texts.keys()].map((path) => [path, readFileSync(path, 'utf8')] as const);
    for (const [path, text] of result.texts) writeFileSync(path, text);
    return {
      [Symbol.dispose]: () => {
        for (const [path, text] of before) writeFileSync(path, text);
      },
    };
  }

  /** The files that it changes, as they are then. */
  #broken({
    name,
    edits,
  }: Mutation): { readonly texts: ReadonlyMap<string, string> } | { readonly problem: string } {
    const texts = new Map<string, string>();
    for (const edit of edits) {
      const path = join(this.root, edit.file);
      const result = edited(texts.get(path) ?? readFileSync(path, 'utf8'), edit, name);
      if ('problem' in result) return result;
      texts.set(path, result.text);
    }
    return { texts };
  }

  /** Tests that fail on the code as it is find nothing: they are left out from now on. Answers which. */
  async leaveOutFailingTests(signal: AbortSignal): Promise<readonly string[]> {
    const failing: string[] = [];
    for (const file of this.#tests) if (!(await this.#passes(file, signal))) failing.push(file);
    this.#tests = this.#tests.filter((file) => !failing.includes(file));
    return failing;
  }

  /** The first test file that fails. */
  async failingTest(signal: AbortSignal): Promise<string | undefined> {
    for (const file of this.#tests)
      if (!(await this.#passes(file, signal))) return signal.aborted ? undefined : file;
    return undefined;
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  #passes(file: string, signal: AbortSignal): Promise<boolean> {
    // REWRITE would tell the stories as they go with the mutation, and find it right.
    const env = { ...process.env, REWRITE: '' };
    const limit = AbortSignal.any([signal, AbortSignal.timeout(TEST_LIMIT_MS)]);
    return new Promise((done) => {
      const child = spawn(process.execPath, [file], {
        cwd: this.root,
        env,
        stdio: 'ignore',
        signal: limit,
        killSignal: 'SIGKILL',
      });
      child.on('error', () => done(false));
      child.on('exit', (code) => done(code === 0));
    });
  }
}
