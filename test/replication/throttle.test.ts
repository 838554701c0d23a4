/** How fast a copy goes by what clients feel. Time is told; nothing else decides. */
import fc from 'fast-check';
import t from 'tap';
import { BACKGROUND_BYTES_PER_SECOND, Throttle } from '../../daemon/replication/throttle.ts';

const MIB = 1024 * 1024;
const FLOOR = 8 * MIB;
const FIRST = 16 * MIB;
const ALONE = 1024 * MIB;
const LOOK_MS = 100;

/** Clients' writes took `usualMs` before the copy began at 0; undefined: there were none. */
function begun(usualMs?: number): Throttle {
  const throttle = new Throttle();
  if (usualMs !== undefined) for (let n = 0; n < 500; n++) throttle.latency(usualMs, n * LOOK_MS);
  throttle.begin(0);
  return throttle;
}

/** So many looks from `fromMs`, between which a write takes `ms`; answers the time after them. */
function looks(
  throttle: Throttle,
  count: number,
  { fromMs = 0, ms }: { fromMs?: number; ms?: number },
): number {
  let nowMs = fromMs;
  for (let n = 0; n < count; n++) {
    if (ms !== undefined) throttle.latency(ms, nowMs);
    throttle.mayGo((nowMs += LOOK_MS));
  }
  return nowMs;
}

t.test('a copy begins at a rate between the floor and no limit', async (t) => {
  t.equal(begun(2).limitBytesPerSecond, FIRST);
});

t.test('it goes slower while writes take longer than usual', async (t) => {
  const throttle = begun(2);
  looks(throttle, 1, { ms: 4 });
  const once = throttle.limitBytesPerSecond;
  t.ok(once < FIRST);
  looks(throttle, 1, { fromMs: LOOK_MS, ms: 4 });
  t.ok(throttle.limitBytesPerSecond < once);
});

t.test('it goes faster while writes take hardly longer than usual', async (t) => {
  const throttle = begun(2);
  looks(throttle, 1, { ms: 2.4 });
  t.ok(throttle.limitBytesPerSecond > FIRST);
});

t.test('what is usual is what writes took before, not what they take beside the copy', async (t) => {
  const throttle = begun(2);
  const nowMs = looks(throttle, 200, { ms: 50 });
  looks(throttle, 1, { fromMs: nowMs, ms: 50 });
  t.equal(throttle.limitBytesPerSecond, FLOOR);
  throttle.end();
  const endMs = nowMs + 500 * LOOK_MS;
  for (let atMs = nowMs; atMs < endMs; atMs += LOOK_MS) throttle.latency(50, atMs);
  throttle.begin(endMs);
  looks(throttle, 1, { fromMs: endMs, ms: 50 });
  t.ok(throttle.limitBytesPerSecond > FIRST, 'after the copy they are usual');
});

t.test('it never goes below its floor, however long writes take, so that a copy has an end', async (t) => {
  const throttle = begun(1);
  looks(throttle, 1000, { ms: 99 });
  t.equal(throttle.limitBytesPerSecond, FLOOR);
});

t.test('it recovers when writes are as fast as usual again', async (t) => {
  const throttle = begun(2);
  const nowMs = looks(throttle, 20, { ms: 20 });
  t.equal(throttle.limitBytesPerSecond, FLOOR);
  const laterMs = looks(throttle, 60, { fromMs: nowMs, ms: 2 });
  const after6s = throttle.limitBytesPerSecond;
  t.ok(after6s > 3 * FLOOR, String(after6s));
  looks(throttle, 300, { fromMs: laterMs, ms: 2 });
  t.equal(throttle.limitBytesPerSecond, 0, 'nothing holds it back');
});

t.test('where it comes to rest few looks find a slow write', async (t) => {
  const throttle = begun(2);
  const bearable = 64 * MIB;
  let slow = 0;
  let nowMs = looks(throttle, 200, { ms: 2 });
  for (let n = 0; n < 1000; n++) {
    const isSlow = throttle.limitBytesPerSecond === 0 || throttle.limitBytesPerSecond > bearable;
    if (isSlow) slow++;
    nowMs = looks(throttle, 1, { fromMs: nowMs, ms: isSlow ? 10 : 2 });
  }
  t.ok(slow < 60, `${String(slow)} of 1000`);
});

t.test('a process that is late slows the copy as a slow write does', async (t) => {
  const throttle = begun(2);
  throttle.late(10, 1);
  looks(throttle, 1, { ms: 2 });
  t.ok(throttle.limitBytesPerSecond < FIRST);
});

t.test('without clients nothing holds it back after a while', async (t) => {
  const throttle = begun();
  looks(throttle, 40, {});
  t.equal(throttle.limitBytesPerSecond, 0);
});

t.test(
  'a copy that is urgent goes fast from the first on where no client has asked for a second',
  async (t) => {
    const throttle = new Throttle();
    throttle.latency(1, 0);
    throttle.begin(999, { isUrgent: true });
    t.equal(throttle.limitBytesPerSecond, FIRST);
    throttle.begin(1000, { isUrgent: true });
    t.equal(throttle.limitBytesPerSecond, ALONE);
    throttle.begin(2000);
    t.equal(throttle.limitBytesPerSecond, FIRST, 'one that is not');
  },
);

t.test('an urgent copy beside clients goes fast once they have asked nothing for a second', async (t) => {
  const throttle = new Throttle();
  throttle.latency(1, 0);
  throttle.begin(0, { isUrgent: true });
  looks(throttle, 9, {});
  t.ok(throttle.limitBytesPerSecond < 5 * FIRST);
  looks(throttle, 1, { fromMs: 9 * LOOK_MS });
  t.equal(throttle.limitBytesPerSecond, ALONE);
});

t.test('a client that comes finds the copy as fast as it was beside the clients before', async (t) => {
  const throttle = begun(2);
  throttle.begin(0, { isUrgent: true });
  const nowMs = looks(throttle, 20, { ms: 20 });
  t.equal(throttle.limitBytesPerSecond, FLOOR);
  const laterMs = looks(throttle, 600, { fromMs: nowMs });
  t.equal(throttle.limitBytesPerSecond, 0, 'nothing holds it back');
  looks(throttle, 1, { fromMs: laterMs, ms: 2 });
  t.ok(throttle.limitBytesPerSecond < 5 * FLOOR, String(throttle.limitBytesPerSecond));
});

t.test('a write that is not answered is of a client, too', async (t) => {
  const throttle = new Throttle();
  throttle.begin(0, { isUrgent: true });
  t.equal(throttle.limitBytesPerSecond, ALONE);
  throttle.mayGo(LOOK_MS, 1);
  t.ok(throttle.limitBytesPerSecond <= FIRST);
});

t.test('latencies that nobody notices are no reason to go slower', async (t) => {
  const throttle = begun(0.1);
  looks(throttle, 1, { ms: 1.9 });
  t.ok(throttle.limitBytesPerSecond > FIRST);
  const other = begun(0.1);
  looks(other, 1, { ms: 2.1 });
  t.ok(other.limitBytesPerSecond < FIRST);
});

t.test('writes and flushes are each compared with what is usual for them', async (t) => {
  const both = (): Throttle => {
    const throttle = new Throttle();
    for (let n = 0; n < 500; n++) {
      throttle.latency(20, n * LOOK_MS - 1, 'flush');
      throttle.latency(2, n * LOOK_MS, 'write');
    }
    throttle.begin(0);
    return throttle;
  };
  const asUsual = both();
  asUsual.latency(20, 1, 'flush');
  looks(asUsual, 1, { ms: 2 });
  t.ok(asUsual.limitBytesPerSecond > FIRST);
  const slowWrites = both();
  slowWrites.latency(20, 1, 'flush');
  looks(slowWrites, 1, { ms: 8 });
  t.ok(slowWrites.limitBytesPerSecond < FIRST, 'a write that is still faster than a flush');
  const slowFlushes = both();
  slowFlushes.latency(60, 1, 'flush');
  looks(slowFlushes, 1, { ms: 2 });
  t.ok(slowFlushes.limitBytesPerSecond < FIRST);
});

t.test('it looks at the clients ten times a second, not with each region', async (t) => {
  const throttle = begun(2);
  throttle.latency(20, 0);
  for (let nowMs = 1; nowMs < LOOK_MS; nowMs++) throttle.mayGo(nowMs);
  t.equal(throttle.limitBytesPerSecond, FIRST);
  throttle.mayGo(LOOK_MS);
  t.ok(throttle.limitBytesPerSecond < FIRST);
});

t.test('a new copy starts at the first rate, whatever the last one came to', async (t) => {
  const throttle = begun(1);
  const nowMs = looks(throttle, 100, { ms: 99 });
  throttle.end();
  throttle.begin(nowMs);
  t.equal(throttle.limitBytesPerSecond, FIRST);
});

t.test('what is sent is no more than the rate allows, and no pause is made up for', async (t) => {
  const REGION = 65_536;
  const BURST_MS = 20;
  fc.assert(
    fc.property(fc.array(fc.nat(400), { minLength: 1, maxLength: 60 }), (pauses) => {
      const throttle = begun(1);
      let nowMs = looks(throttle, 20, { ms: 99 });
      throttle.mayGo(nowMs);
      let allowed = (BURST_MS / 1000) * FLOOR + REGION;
      for (const pauseMs of pauses) {
        nowMs += pauseMs;
        throttle.latency(99, nowMs);
        // Each look sees a slow write: the rate stays at its floor.
        allowed += (pauseMs / 1000) * FLOOR;
        let sent = 0;
        while (throttle.mayGo(nowMs)) {
          throttle.sent(REGION);
          sent += REGION;
          if (sent > (BURST_MS / 1000) * FLOOR + REGION) return false;
        }
        allowed -= sent;
        if (allowed < 0) return false;
      }
      return true;
    }),
  );
  t.pass();
});

t.test('at the floor a copy of eight mebibytes takes about a second', async (t) => {
  const throttle = begun(1);
  const fromMs = looks(throttle, 20, { ms: 99 });
  let nowMs = fromMs;
  for (let sent = 0; sent < FLOOR;) {
    throttle.latency(99, nowMs);
    if (throttle.mayGo(nowMs)) {
      throttle.sent(65_536);
      sent += 65_536;
    } else nowMs++;
  }
  t.ok(Math.abs(nowMs - fromMs - 1000) < 100, `${String(nowMs - fromMs)} ms`);
});

t.test('what need not end soon is held to less, and a copy after it to what copies are', async (t) => {
  const throttle = begun(2);
  throttle.begin(0, { floor: BACKGROUND_BYTES_PER_SECOND });
  const nowMs = looks(throttle, 200, { ms: 50 });
  t.equal(throttle.limitBytesPerSecond, BACKGROUND_BYTES_PER_SECOND);
  throttle.begin(nowMs);
  looks(throttle, 200, { fromMs: nowMs, ms: 50 });
  t.equal(throttle.limitBytesPerSecond, FLOOR);
});
