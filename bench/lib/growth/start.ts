/** From the start of a daemon's process to the last of its volumes that serves clients again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { PRIMARY } from '../bare-volume.ts';
import { median } from '../statistics.ts';
import { Fleet } from './fleet.ts';
import { type Part, table } from './part.ts';

const NETWORK = 92;
const COUNTS = [1, 10, 100] as const;
const GIB = 2 ** 30;
const LIMIT_MS = 5000;
/** A host that is lost again before control has heard of it counts as lost all the time, and another takes over. */
const HEARD_MS = 4000;

interface Start {
  readonly count: number;
  readonly copies: 1 | 2;
  readonly firstMs: number;
  readonly allMs: number;
}

export const start: Part = {
  name: 'start',
  title: 'Start-up',
  async measure({ rounds, tell }) {
    const found: Start[] = [];
    for (const copies of [1, 2] as const)
      for (const count of COUNTS)
        for await (const one of starts(count, copies, rounds)) {
          found.push(one);
          tell(
            `${String(count)} volumes, ${copiesText(copies)}: first ${seconds(one.firstMs)}, all ${seconds(one.allMs)}`,
          );
        }
    const cells = ([1, 2] as const).flatMap((copies) =>
      COUNTS.map((count) => {
        const some = found.filter((one) => one.count === count && one.copies === copies);
        return {
          count,
          copies,
          firstMs: median(some.map(({ firstMs }) => firstMs)),
          allMs: median(some.map(({ allMs }) => allMs)),
          longestMs: Math.max(...some.map(({ allMs }) => allMs)),
        };
      }),
    );
    return {
      lines: [
        `The primaries’ daemon is killed and started again: from the start of its process to the first, and to the last, volume on which a client’s write over NBD is acknowledged; medians of ${String(rounds)}:`,
        '',
        ...table(
          ['volumes', 'copies', 'first volume', 'all volumes', 'all, longest'],
          cells.map((cell) => [
            String(cell.count),
            String(cell.copies),
            seconds(cell.firstMs),
            seconds(cell.allMs),
            seconds(cell.longestMs),
          ]),
        ),
      ],
      goals: [
        {
          what: `100 volumes serve within ${String(LIMIT_MS / 1000)} s`,
          isReached: cells.every(({ longestMs }) => longestMs < LIMIT_MS),
        },
      ],
      charts: {
        start: {
          title: 'From the start of the process to the last volume that serves',
          x: { label: 'volumes' },
          y: { label: 'seconds' },
          series: ([1, 2] as const).map((copies) => ({
            name: copiesText(copies),
            points: cells
              .filter((cell) => cell.copies === copies)
              .map(({ count, allMs }) => [count, allMs / 1000] as const),
          })),
        },
      },
      data: found,
    };
  },
};

async function* starts(count: number, copies: 1 | 2, rounds: number): AsyncGenerator<Start> {
  const fleet = await Fleet.start({ network: NETWORK, count, sizeBytes: GIB, copies });
  try {
    for (let round = 0; round < rounds; round++) {
      await sleep(HEARD_MS);
      const times = await fleet.restart(PRIMARY);
      await fleet.serving();
      yield { count, copies, ...times };
    }
  } finally {
    await fleet.destroy();
  }
}

function copiesText(copies: 1 | 2): string {
  return copies === 1 ? 'one copy' : 'two copies';
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
