/** That the judge of the real processes finds what it is there for. */
import t from 'tap';
import { type Finding, Judge, type Session } from './judge.ts';
import { SECTOR_BYTES, sectorsOf } from './sectors.ts';

const SECTORS = 16;
const RANGE = { first: 2, count: 2 };
const DONE = 0;

function court() {
  const findings: Finding[] = [];
  const judge = new Judge(SECTORS, () => 0);
  judge.onFinding = (finding) => findings.push(finding);
  const on = (host: string, life: number, generation: number): Session =>
    judge.session({ name: `${host} ${life}`, host, life, generation });
  const ended = (session: Session, error: number | undefined): number => {
    const stamp = judge.nextStamp();
    judge.write('write', session, RANGE, stamp, false)(error);
    return stamp;
  };
  const write = (session: Session): number => ended(session, DONE);
  const cutOff = (session: Session): number => ended(session, undefined);
  const read = (session: Session, stamp: number): void => {
    const data = stamp === 0 ? Buffer.alloc(RANGE.count * SECTOR_BYTES) : sectorsOf(stamp, RANGE);
    judge.read(session, RANGE)(DONE, data);
  };
  return { judge, findings, on, write, cutOff, read };
}

t.test('what was acknowledged and is read on the next primary is in order', async (t) => {
  const { findings, on, write, read } = court();
  const stamp = write(on('a', 1, 1));
  read(on('b', 2, 2), stamp);
  t.strictSame(findings, []);
});

t.test('an acknowledged write that is gone after a failover is found, with its sector', async (t) => {
  const { findings, on, write, read } = court();
  write(on('a', 1, 1));
  read(on('b', 2, 2), 0);
  t.match(findings, [{ what: /zeroes .* every zero was overwritten/, sector: 2 }]);
});

t.test('a write that was cut off may be there or not, and is decided by the next reign', async (t) => {
  const { findings, on, write, cutOff, read } = court();
  const [a, b] = [on('a', 1, 1), on('b', 2, 2)];
  const first = write(a);
  const second = cutOff(a);
  read(b, first);
  // The first answer is what shows the reign: what was cut off may have been done until then.
  read(b, first);
  t.strictSame(findings, []);
  read(b, second);
  t.match(findings, [{ sector: 2 }]);
});

t.test(
  'a primary that was replaced may not answer a read that was begun afterwards with old data',
  async (t) => {
    const { findings, on, write, read } = court();
    const [a, b] = [on('a', 1, 1), on('b', 2, 2)];
    const first = write(a);
    write(b);
    read(a, first);
    t.match(findings, [{ sector: 2 }]);
  },
);

t.test('connections opened before the first answer of a reign belong to it', async (t) => {
  const { judge, findings, on, write, read } = court();
  const first = write(on('a', 1, 1));
  const [one, other] = [on('b', 2, 2), on('b', 2, 2)];
  const stamp = judge.nextStamp();
  const answered = judge.write('write', other, RANGE, stamp, false);
  read(one, first);
  answered(DONE);
  read(one, stamp);
  t.strictSame(findings, []);
  t.equal(judge.failovers, 1);
});

t.test('a torn sector, one of another place, and an error that nothing explains are found', async (t) => {
  const { judge, findings, on } = court();
  const a = on('a', 1, 1);
  const torn = Buffer.concat([sectorsOf(1, RANGE).subarray(0, 700), Buffer.alloc(324)]);
  judge.read(a, RANGE)(DONE, torn);
  judge.read(a, RANGE)(DONE, sectorsOf(1, { first: 7, count: 2 }));
  judge.read(a, RANGE)(5, new Uint8Array());
  t.match(
    findings.map(({ what }) => what),
    [/sector 3 begins with 1/, /sector 2 begins with 1 of sector 7/, /answered with error 5/],
  );
});

t.test('once settled, what was cut off before must not appear', async (t) => {
  const { judge, findings, on, write, cutOff, read } = court();
  const a = on('a', 1, 1);
  const first = write(a);
  const second = cutOff(a);
  const whole = Buffer.alloc(SECTORS * SECTOR_BYTES);
  sectorsOf(first, RANGE).copy(whole, RANGE.first * SECTOR_BYTES);
  judge.settle(whole);
  read(a, first);
  t.strictSame(findings, []);
  read(a, second);
  t.match(findings, [{ what: /which nobody wrote there/, sector: 2 }]);
});
