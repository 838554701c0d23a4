import t from 'tap';
import { latenciesUs, outcomeOf } from '../../bench/lib/database/pgbench-text.ts';

const REPORT = `pgbench (15.14 (Debian 15.14-0+deb12u1))
transaction type: <builtin: TPC-B (sort of)>
scaling factor: 20
duration: 30 s
number of transactions actually processed: 79012
number of failed transactions: 0 (0.000%)
latency average = 3.037 ms
initial connection time = 23.871 ms
tps = 2634.321900 (without initial connection time)
`;

t.test('what pgbench prints is read', (t) => {
  t.strictSame(outcomeOf(REPORT), {
    transactions: 79_012,
    transactionsPerSecond: 2634.3219,
    latencyAverageMs: 3.037,
  });
  t.end();
});

t.test('a run with a failed transaction is refused', (t) => {
  t.throws(
    () => outcomeOf(REPORT.replace('failed transactions: 0', 'failed transactions: 2')),
    /2 transactions failed/,
  );
  t.end();
});

t.test('a report that lacks a number is refused', (t) => {
  t.throws(() => outcomeOf(REPORT.replace('tps', 'rate')), /said nothing of tps/);
  t.end();
});

t.test('the latencies of a log are its third field', (t) => {
  const log = '0 1 5231 0 1700000000 120000\n3 7 812 0 1700000000 130001\n';
  t.strictSame(latenciesUs(log), [5231, 812]);
  t.end();
});
