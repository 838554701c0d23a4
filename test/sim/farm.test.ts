/** The farm and the mutations must be able to fail: what is planted here they have to find. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { LockstepError } from '../../daemon/sys/errors.ts';
import { type Edit, edited, type Mutation } from './mutation.ts';
import { mutations } from './mutations.ts';
import { parseOptions } from './options.ts';
import { Tree } from './tree.ts';

interface Ended {
  readonly code: number;
  readonly output: string;
}

/** `npm run sim` of that tree. */
function sim(tree: Tree, ...args: readonly string[]): Promise<Ended> {
  return new Promise((done) => {
    const path = join(tree.root, 'test/sim/main.ts');
    const child = execFile(process.execPath, [path, ...args], (_error, stdout, stderr) => {
      done({ code: child.exitCode ?? -1, output: stdout + stderr });
    });
  });
}

const planted = mutations.find(({ name }) => name === 'acknowledge-before-answer');
const gone: Edit = { file: 'daemon/replication/primary.ts', find: 'no such text', replace: '' };
const moved: Mutation = { name: 'moved-on', what: '', edits: [gone] };

t.test('the farm finds a planted failure, prints its seed and its trace, and exits with 1', async (t) => {
  using tree = new Tree();
  t.ok(planted);
  if (planted === undefined) return;
  using _broken = tree.mutate(planted);
  const { code, output } = await sim(tree, '--seeds', '20', '--jobs', '1');
  t.equal(code, 1);
  const seed = /^seed (\d+) failed: Breach: /m.exec(output)?.[1] ?? 'none';
  t.match(output, `SEED=${seed} node test/replication/random-runs.test.ts`);
  t.match(output, new RegExp(`; failed: .*\\b${seed}\\b`));
  t.match(output, /SOLO -> SERVING +\d+/);
});

t.test('seeds that keep every promise exit with 0', async (t) => {
  using tree = new Tree();
  const { code, output } = await sim(tree, '--seeds', '5', '--from', '3', '--jobs', '2');
  t.equal(code, 0, output);
  t.match(output, /^5 seeds in .*; none failed$/m);
});

t.test('a copy that does not load is no finding', async (t) => {
  using tree = new Tree();
  const file = 'daemon/replication/units.ts';
  const edits = [{ file, find: 'export const REGION_BYTES', replace: 'const (' }];
  using _broken = tree.mutate({ ...moved, edits });
  const { code, output } = await sim(tree, '--seeds', '5', '--jobs', '1');
  t.equal(code, 1);
  t.notMatch(output, /seed \d+ failed/);
});

t.test('a mutation whose text is not there once is reported by name and file', async (t) => {
  t.match(edited('abc', gone, moved.name), {
    problem: /mutation moved-on: its text is not in daemon\/replication\/primary.ts/,
  });
  t.match(edited('b b', { ...gone, find: 'b' }, 'twice'), { problem: /its text is 2 times in/ });
  t.strictSame(edited('abc', { ...gone, find: 'b', replace: '$&' }, 'dollar'), { text: 'a$&c' });
  using tree = new Tree();
  t.throws(() => tree.mutate(moved), LockstepError);
  t.match(tree.sort([moved]), { fitting: [], problems: [/moved-on/] });
});

t.test('every mutation fits the code as it is, and has a name of its own', async (t) => {
  using tree = new Tree();
  t.strictSame(tree.sort(mutations).problems, []);
  t.equal(new Set(mutations.map(({ name }) => name)).size, mutations.length);
});

t.test('a tree takes itself away', async (t) => {
  const tree = new Tree();
  t.ok(existsSync(tree.root));
  tree[Symbol.dispose]();
  t.notOk(existsSync(tree.root));
});

t.test('an option that cannot be is refused with what is allowed', async (t) => {
  const defaults = { seeds: 10, from: 1, jobs: 2, seconds: 0 };
  t.match(parseOptions(['--seeds', '7'], defaults), { seeds: 7, from: 1, jobs: 2 });
  t.throws(() => parseOptions(['--jobs', '0'], defaults), { message: /--jobs is "0"; allowed: .* 1 to 64/ });
  t.throws(() => parseOptions(['--seed', '1'], defaults), {
    message: /allowed: --seeds, --from, --jobs, --seconds/,
  });
  t.throws(() => parseOptions(['--only', 'x'], defaults, ['y', 'z']), { message: /allowed: y, z/ });
});
