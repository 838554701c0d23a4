/** What the maps of one volume of 1 TiB take, as `npm run bench:memory` measures it. */
import { memoryCase } from '../store-memory.ts';
import { type Part, table } from './part.ts';

const MIB = 2 ** 20;
const LIMIT_MIB = 64;
const CASES = [
  ['empty', 'nothing written'],
  ['full', 'every region in a map'],
  ['snapshots', '64 snapshots, 250 writes all over it before each'],
] as const;

export const maps: Part = {
  name: 'maps',
  title: 'A volume of 1 TiB',
  measure() {
    const cases = CASES.map(([name, what]) => {
      const { used, openMs } = memoryCase(name);
      return { what, openMs, mapsMib: (used.heapBytes + used.externalBytes) / MIB };
    });
    const most = Math.max(...cases.map(({ mapsMib }) => mapsMib));
    return Promise.resolve({
      lines: [
        'The maps of a sparse volume of 1 TiB, after a look at every page of them (`npm run bench:memory` has the details):',
        '',
        ...table(
          ['volume', 'opened in', 'heap and external'],
          cases.map((one) => [one.what, `${one.openMs.toFixed(0)} ms`, `${one.mapsMib.toFixed(1)} MiB`]),
        ),
      ],
      goals: [
        { what: `at most ${String(LIMIT_MIB)} MiB for the maps of 1 TiB`, isReached: most <= LIMIT_MIB },
      ],
      charts: {},
      data: cases,
    });
  },
};
