/** UnstableRegions against the plainest thing that could be right: each region with the number of its last write. */
import fc from 'fast-check';
import t from 'tap';
import { UnstableRegions } from '../../daemon/replication/unstable.ts';

const step = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), first: fc.nat(20), more: fc.nat(4) }),
  fc.record({ kind: fc.constant('stable' as const), back: fc.nat(10) }),
  fc.record({ kind: fc.constant('clear' as const) }),
);

t.test('what may differ is what was written since the last flush of both', async (t) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const regions = new UnstableRegions();
      let oracle = new Map<number, number>();
      let sequence = 0;
      for (const one of steps) {
        if (one.kind === 'write') {
          sequence++;
          regions.written(one.first, one.first + one.more, sequence);
          for (let region = one.first; region <= one.first + one.more; region++) oracle.set(region, sequence);
        } else if (one.kind === 'stable') {
          const upTo = Math.max(0, sequence - one.back);
          regions.stableUpTo(upTo);
          oracle = new Map([...oracle].filter(([, last]) => last > upTo));
        } else {
          regions.clear();
          oracle.clear();
        }
        if (regions.size !== oracle.size) return false;
      }
      const sorted = (keys: Iterable<number>): number[] => [...keys].sort((a, b) => a - b);
      return JSON.stringify(sorted(regions.regions())) === JSON.stringify(sorted(oracle.keys()));
    }),
  );
  t.pass();
});
