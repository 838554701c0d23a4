import t from 'tap';
import { takesPart } from '../../bench/lib/speed/participants.ts';
import type { Measured } from '../../bench/lib/speed/rounds.ts';
import { isReached, type Row, summarize } from '../../bench/lib/speed/summary.ts';
import { ratioText, rowLines } from '../../bench/lib/speed/tables.ts';
import { chosenWorks, type Work } from '../../bench/lib/speed/works.ts';

const setups = [
  { name: 'lockstep-2', title: 'Lockstep, two copies', copies: 2 },
  { name: 'quorum-nbdkit', title: 'QEMU quorum, nbdkit', copies: 2 },
  { name: 'quorum-qemu-nbd', title: 'QEMU quorum, qemu-nbd', copies: 2 },
  { name: 'lockstep-1', title: 'Lockstep, one copy', copies: 1 },
  { name: 'nbdkit', title: 'nbdkit', copies: 1 },
  { name: 'qemu-nbd', title: 'qemu-nbd', copies: 1 },
  { name: 'file', title: 'plain file', copies: 0 },
] as const;
type Name = (typeof setups)[number]['name'];

function workOf(name: string): Work {
  const [work] = chosenWorks([name]);
  if (work === undefined) throw new Error(`no work ${name}`);
  return work;
}

function rounds(setup: Name, rates: readonly number[], work = 'write4k-qd16'): readonly Measured[] {
  return rates.map((rate, at) => ({
    work,
    setup,
    round: at + 1,
    rate,
    latencyUs: { p50: rate / 10, p99: 20, p999: 30, max: 40 },
  }));
}

function rowOf(measured: readonly Measured[], work = 'write4k-qd16'): Row {
  const [row] = summarize([workOf(work)], setups, measured);
  if (row === undefined) throw new Error('no row');
  return row;
}

t.test('a ratio is to the median of the best peer with as many copies', async (t) => {
  const { ratios } = rowOf([
    ...rounds('lockstep-2', [300, 1, 9000]),
    ...rounds('quorum-nbdkit', [150, 140, 8000]),
    ...rounds('quorum-qemu-nbd', [100, 100, 100]),
    ...rounds('lockstep-1', [600, 600, 600]),
    ...rounds('nbdkit', [400, 400, 400]),
    ...rounds('qemu-nbd', [500, 500, 500]),
    ...rounds('file', [7000, 7000, 7000]),
  ]);
  t.strictSame(ratios, [
    { of: 'lockstep-2', to: 'quorum-nbdkit', value: 2, aim: 2 },
    { of: 'lockstep-1', to: 'qemu-nbd', value: 1.2, aim: 1.3 },
    { of: 'lockstep-2', to: 'nbdkit', value: 0.75, aim: 0.7 },
  ]);
});

t.test('two rounds of one of them are too few for any ratio, and a sentence says so', async (t) => {
  const row = rowOf([...rounds('lockstep-1', [1, 1, 1]), ...rounds('nbdkit', [1, 1])]);
  t.strictSame(row.ratios, []);
  t.match(rowLines(row, setups).at(-1), /^No ratio is told from fewer than 3 rounds, and there are 2/);
});

t.test('three rounds are enough', async (t) => {
  const row = rowOf([...rounds('lockstep-1', [13, 13, 13]), ...rounds('nbdkit', [10, 10, 10])]);
  t.equal(
    rowLines(row, setups).at(-1),
    '- Lockstep, one copy to nbdkit: 1.30; at least 1.3 is asked: reached',
  );
});

t.test('the cells are medians with the least and the most', async (t) => {
  const [cell] = rowOf(rounds('file', [30, 10, 20])).cells;
  t.match(cell, { rounds: 3, median: 20, least: 10, most: 30, latencyUs: { p50: 2, p99: 20 } });
});

t.test('an aim is missed just below it, and not where no ratio was told', async (t) => {
  const of = (rates: readonly number[]): boolean =>
    isReached([rowOf([...rounds('lockstep-1', rates), ...rounds('nbdkit', [100, 100, 100])])]);
  t.equal(of([130, 130, 130]), true);
  t.equal(of([129, 129, 129]), false);
  t.equal(of([1, 1]), true);
});

t.test('a ratio is never rounded up to what is asked', async (t) => {
  t.equal(ratioText(1.999), '1.99');
  t.equal(ratioText(1.15), '1.15');
});

t.test('the table of a work has a line for each setup that was measured', async (t) => {
  const row = rowOf([...rounds('file', [1000, 2000, 3000])]);
  t.strictSame(rowLines(row, setups), [
    '## 4k random write, depth 16 (write4k-qd16), IOPS',
    '',
    '| setup      |     median |  least – most |    p50 |   p99 | p99.9 | longest |',
    '| ---------- | ---------: | ------------: | -----: | ----: | ----: | ------: |',
    '| plain file | 2,000 IOPS | 1,000 – 3,000 | 200 us | 20 us | 30 us |   40 us |',
    '',
    'No ratio: Lockstep and a peer with as many copies were not both measured.',
  ]);
});

t.test('a setup takes part where an aim is set for it, and the floor everywhere', async (t) => {
  const names = (work: string): readonly string[] =>
    setups.filter((setup) => takesPart(workOf(work), setup)).map(({ name }) => name);
  t.strictSame(names('read4k-qd1'), ['lockstep-1', 'nbdkit', 'qemu-nbd', 'file']);
  t.strictSame(names('write4k-qd64'), ['lockstep-2', 'quorum-nbdkit', 'quorum-qemu-nbd', 'file']);
  t.strictSame(
    names('write4k-qd16'),
    setups.map(({ name }) => name),
  );
  const acrossAlone = { ...workOf('write4k-qd16'), aimTwoCopies: undefined, aimOneCopy: undefined };
  t.strictSame(
    setups.filter((setup) => takesPart(acrossAlone, setup)).map(({ name }) => name),
    ['lockstep-2', 'nbdkit', 'file'],
  );
});
