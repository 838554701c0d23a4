/** The cheap part of `npm run bench:guard`: what a request costs, in numbers that are the same on every machine. */
import t from 'tap';
import { BOUNDS } from '../../bench/lib/guard/bounds.ts';
import { canTrace, leastAllocated, systemCallsPerRequest } from '../../bench/lib/guard/measured-pair.ts';

const untraced = (await canTrace()) ? false : 'strace is not installed, or may not trace';

for (const kind of ['write', 'read'] as const) {
  t.test(`a ${kind} of 4 KiB allocates no more than its bounds say`, async (t) => {
    const { heapBytes, bufferBytes } = await leastAllocated(kind);
    t.comment(`${heapBytes.toFixed(0)} bytes on the heap, ${bufferBytes.toFixed(0)} of buffers`);
    t.ok(heapBytes <= BOUNDS[kind].heapBytes, `at most ${String(BOUNDS[kind].heapBytes)} bytes on the heap`);
    t.ok(bufferBytes <= BOUNDS[kind].bufferBytes, `at most ${String(BOUNDS[kind].bufferBytes)} of buffers`);
    // Nothing was measured where nothing was allocated.
    t.ok(heapBytes > 0);
  });

  t.test(
    `a ${kind} of 4 KiB makes no more system calls than its bounds say`,
    { skip: untraced },
    async (t) => {
      const calls = await systemCallsPerRequest(kind);
      const sum = [...calls.values()].reduce((total, count) => total + count, 0);
      const often = [...calls].filter(([, count]) => count >= 0.01);
      t.comment(often.map(([name, count]) => `${name} ${count.toFixed(2)}`).join(', '));
      t.ok(sum <= BOUNDS[kind].systemCalls, `${sum.toFixed(2)}, at most ${String(BOUNDS[kind].systemCalls)}`);
      t.ok(sum >= 1, 'its own read or write of the disk is among them');
    },
  );
}
