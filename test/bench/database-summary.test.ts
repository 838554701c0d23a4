import t from 'tap';
import type { Measured } from '../../bench/lib/database/rounds.ts';
import { isReached, summarize, summaryLines } from '../../bench/lib/database/summary.ts';

const engines = [
  { name: 'lockstep', title: 'two copies' },
  { name: 'nbdkit', title: 'one copy' },
  { name: 'folder', title: 'none' },
] as const;

function rounds(engine: Measured['engine'], rates: readonly number[]): readonly Measured[] {
  return rates.map((transactionsPerSecond, at) => ({
    engine,
    round: at + 1,
    transactionsPerSecond,
    transactions: transactionsPerSecond * 30,
    latencyMs: { average: 1, p50: 1, p99: 2, max: 3 },
  }));
}

t.test('ratios are those of the medians', (t) => {
  const { ratios } = summarize(engines, [
    ...rounds('lockstep', [1, 950, 900]),
    ...rounds('nbdkit', [1000, 9000, 900]),
    ...rounds('folder', [2000, 1800, 2200]),
  ]);
  t.strictSame(
    ratios.map(({ of, to, value }) => [of, to, value]),
    [
      ['lockstep', 'nbdkit', 0.9],
      ['lockstep', 'folder', 0.45],
      ['nbdkit', 'folder', 0.5],
    ],
  );
  t.end();
});

t.test('no ratio is told from fewer than three rounds', (t) => {
  const summary = summarize(engines, [...rounds('lockstep', [1, 1, 1]), ...rounds('nbdkit', [1, 1])]);
  t.strictSame(summary.ratios, []);
  t.match(summaryLines(summary).at(-1), 'No ratio');
  t.end();
});

t.test('a replicated volume below 0.9 of nbdkit has not reached what is asked', (t) => {
  const of = (rate: number): boolean =>
    isReached(
      summarize(engines, [...rounds('lockstep', [rate, rate, rate]), ...rounds('nbdkit', [100, 100, 100])]),
    );
  t.equal(of(89), false);
  t.equal(of(90), true);
  t.end();
});
