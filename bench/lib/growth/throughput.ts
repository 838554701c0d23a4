/** 4 KiB random writes to 1, 2 and 8 volumes at once: what all of them reach, and whether each has its share. */
import { fill } from '../speed/fio.ts';
import { median } from '../statistics.ts';
import { Fleet } from './fleet.ts';
import { randomWrites } from './fio-jobs.ts';
import { ALL_CPUS, type Part, table, turned } from './part.ts';

const NETWORKS = { 1: 93, 2: 94 } as const;
const COUNTS = [1, 2, 8] as const;
const DEPTH = 16;
const SECONDS = 4;
const SIZE_BYTES = 256 * 2 ** 20;

interface Measured {
  readonly count: number;
  readonly copies: 1 | 2;
  /** Of each volume. */
  readonly iops: readonly number[];
}

export const throughput: Part = {
  name: 'throughput',
  title: 'Busy volumes',
  async measure({ rounds, tell }) {
    const found: Measured[] = [];
    for await (const one of measured(rounds)) {
      found.push(one);
      tell(`${String(one.count)} busy, ${String(one.copies)} copies: ${sum(one.iops).toFixed(0)} IOPS`);
    }
    const cells = ([1, 2] as const).flatMap((copies) =>
      COUNTS.map((count) => {
        const some = found.filter((one) => one.count === count && one.copies === copies);
        return {
          count,
          copies,
          iops: median(some.map(({ iops }) => sum(iops))),
          fairness: median(some.map(({ iops }) => Math.min(...iops) / Math.max(...iops))),
        };
      }),
    );
    return {
      lines: [
        `4 KiB random writes, depth ${String(DEPTH)} in all, through NBD, ${String(SECONDS)} s at a time, in turn; medians of ${String(rounds)} rounds:`,
        '',
        ...table(
          ['busy volumes', 'depth of each', 'copies', 'IOPS in all', 'slowest / fastest volume'],
          cells.map(({ count, copies, iops, fairness }) => [
            String(count),
            String(DEPTH / count),
            String(copies),
            iops.toFixed(0),
            fairness.toFixed(2),
          ]),
        ),
      ],
      goals: [],
      charts: {
        throughput: {
          title: '4 KiB random writes, depth 16 in all',
          x: { label: 'busy volumes' },
          y: { label: 'IOPS in all' },
          series: ([1, 2] as const).map((copies) => ({
            name: copies === 1 ? 'one copy' : 'two copies',
            points: cells
              .filter((cell) => cell.copies === copies)
              .map(({ count, iops }) => [count, iops] as const),
          })),
        },
      },
      data: found,
    };
  },
};

async function* measured(rounds: number): AsyncGenerator<Measured> {
  const fleets: Fleet[] = [];
  try {
    for (const copies of [1, 2] as const) {
      const fleet = await Fleet.start({
        network: NETWORKS[copies],
        count: Math.max(...COUNTS),
        sizeBytes: SIZE_BYTES,
        copies,
      });
      fleets.push(fleet);
      for (const volume of fleet.volumes)
        await fill({ uri: fleet.uri(volume) }, { sizeBytes: SIZE_BYTES, cpus: ALL_CPUS });
    }
    const all = fleets.flatMap((fleet) => COUNTS.map((count) => ({ fleet, count })));
    for (let round = 0; round < rounds; round++)
      for (const { fleet, count } of turned(all, round)) {
        const uris = fleet.volumes.slice(0, count).map((volume) => fleet.uri(volume));
        const depth = DEPTH / count;
        const results = await randomWrites(uris, { depth, seconds: SECONDS, sizeBytes: SIZE_BYTES });
        yield { count, copies: fleet.copies, iops: results.map(({ iops }) => iops) };
      }
  } finally {
    for (const fleet of fleets) await fleet.destroy();
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
