/** Runs of holes, and of what is none. */
import t from 'tap';
import { REGION_BYTES } from '../../daemon/replication/units.ts';
import { runAt } from '../../daemon/store/runs.ts';
import type { Extent } from '../../daemon/store/store.ts';

const PAGE = 4096;

/** A store with data in these ranges of pages. */
function storeWith(...data: readonly (readonly [from: number, to: number])[]) {
  return {
    *extents({ offset, length }: { offset: number; length: number }): Iterable<Extent> {
      const isData = (page: number): boolean => data.some(([from, to]) => page >= from && page < to);
      const end = offset + length;
      for (let at = offset; at < end;) {
        const kind = isData(at / PAGE) ? 'data' : 'hole';
        let next = at + PAGE;
        while (next < end && (isData(next / PAGE) ? 'data' : 'hole') === kind) next += PAGE;
        yield { offset: at, length: next - at, kind };
        at = next;
      }
    },
  };
}
const PAGES = REGION_BYTES / PAGE;

t.test('what has no data is one run of holes, as far as was asked', async (t) => {
  t.strictSame(runAt(storeWith(), 3, 10), { areHoles: true, count: 10 });
});

t.test('holes end where there is a page of data', async (t) => {
  t.strictSame(runAt(storeWith([5 * PAGES + 15, 5 * PAGES + 16]), 3, 10), { areHoles: true, count: 2 });
});

t.test('data ends at the first region that is a hole as a whole', async (t) => {
  const store = storeWith([3 * PAGES, 3 * PAGES + 1], [4 * PAGES + 15, 4 * PAGES + 16]);
  t.strictSame(runAt(store, 3, 10), { areHoles: false, count: 2 });
});

t.test('regions that are holes in part only are none', async (t) => {
  const store = storeWith([3 * PAGES + 2, 3 * PAGES + 3], [4 * PAGES, 40 * PAGES]);
  t.strictSame(runAt(store, 3, 10), { areHoles: false, count: 10 });
});
