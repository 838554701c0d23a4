/** The latency of a write through NBD to a region that is the volume's own, with 0 to 64 snapshots below it. */
import { fill } from '../speed/fio.ts';
import { withSpinners } from '../speed/spinners.ts';
import { median } from '../statistics.ts';
import { Fleet } from './fleet.ts';
import { randomWrites } from './fio-jobs.ts';
import { ALL_CPUS, type Part, table, turned } from './part.ts';

const NETWORKS = { 1: 95, 2: 96 } as const;
const COUNTS = [0, 1, 8, 64] as const;
const SIZE_BYTES = 128 * 2 ** 20;
const SECONDS = 4;
const LIMIT = 1.2;

interface Measured {
  readonly snapshots: number;
  readonly copies: 1 | 2;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly meanUs: number;
}

export const snapshots: Part = {
  name: 'snapshots',
  title: 'Snapshots',
  async measure({ rounds, tell }) {
    const found: Measured[] = [];
    for await (const one of measured(rounds)) {
      found.push(one);
      tell(
        `${String(one.snapshots)} snapshots, ${String(one.copies)} copies: ${us(one.meanUs)} mean, ${us(one.p50Us)} median`,
      );
    }
    const of = (copies: 1 | 2, count: number, key: 'p50Us' | 'p99Us' | 'meanUs'): number =>
      median(found.filter((one) => one.snapshots === count && one.copies === copies).map((one) => one[key]));
    const ratio = (copies: 1 | 2, count: number): number =>
      of(copies, count, 'meanUs') / of(copies, COUNTS[0], 'meanUs');
    const cells = ([1, 2] as const).flatMap((copies) => COUNTS.map((count) => ({ copies, count })));
    const most = COUNTS[3];
    return {
      lines: [
        `4 KiB random writes through NBD, depth 1, processors kept awake, to a volume of 128 MiB that was written all over since its last snapshot; medians of ${String(rounds)} rounds of ${String(SECONDS)} s, in turn:`,
        '',
        ...table(
          ['snapshots', 'copies', 'mean', 'median', 'p99', 'mean, times that with none'],
          cells.map(({ copies, count }) => [
            String(count),
            String(copies),
            us(of(copies, count, 'meanUs')),
            us(of(copies, count, 'p50Us')),
            us(of(copies, count, 'p99Us')),
            ratio(copies, count).toFixed(2),
          ]),
        ),
      ],
      goals: ([1, 2] as const).map((copies) => ({
        what: `${copies === 1 ? 'one copy' : 'two copies'}: with 64 snapshots at most ${String(LIMIT)} times the mean with none`,
        isReached: ratio(copies, most) <= LIMIT,
      })),
      charts: {
        snapshots: {
          title: 'A 4 KiB write at depth 1, by the number of snapshots',
          x: { label: 'snapshots', isEven: true },
          y: { label: 'mean latency, microseconds' },
          series: ([1, 2] as const).map((copies) => ({
            name: copies === 1 ? 'one copy' : 'two copies',
            points: COUNTS.map((count) => [count, of(copies, count, 'meanUs')] as const),
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
      const network = NETWORKS[copies];
      const fleet = await Fleet.start({ network, count: COUNTS.length, sizeBytes: SIZE_BYTES, copies });
      fleets.push(fleet);
      for (const [index, count] of COUNTS.entries()) await prepare(fleet, fleet.volumes[index] ?? '', count);
    }
    const all = fleets.flatMap((fleet) => COUNTS.map((count, index) => ({ fleet, count, index })));
    for (let round = 0; round < rounds; round++)
      for (const { fleet, count, index } of turned(all, round)) {
        const uri = fleet.uri(fleet.volumes[index] ?? '');
        const [result] = await withSpinners(true, () =>
          randomWrites([uri], { depth: 1, seconds: SECONDS, sizeBytes: SIZE_BYTES }),
        );
        if (result === undefined) throw new Error('fio answered nothing');
        const { p50, p99, mean } = result.latencyUs;
        yield { snapshots: count, copies: fleet.copies, p50Us: p50, p99Us: p99, meanUs: mean };
      }
  } finally {
    for (const fleet of fleets) await fleet.destroy();
  }
}

/** Written all over, with so many snapshots, and written all over again: every region is its own. */
async function prepare(fleet: Fleet, volume: string, count: number): Promise<void> {
  const options = { sizeBytes: SIZE_BYTES, cpus: ALL_CPUS };
  const uri = fleet.uri(volume);
  await fill({ uri }, options);
  for (let taken = 0; taken < count; taken++)
    await fleet.installation.client.snapshots.create(volume, `growth-${String(taken)}`);
  await fill({ uri }, options);
}

function us(value: number): string {
  return `${value.toFixed(0)} us`;
}
