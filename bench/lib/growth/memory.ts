/** What an idle daemon has in memory with 1, 10 and 100 volumes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { PRIMARY, SECONDARY } from '../bare-volume.ts';
import { median } from '../statistics.ts';
import { Fleet } from './fleet.ts';
import { type Part, table } from './part.ts';

const NETWORK = 91;
const COUNTS = [1, 10, 100] as const;
const MIB = 2 ** 20;
const GIB = 2 ** 30;
/** Heartbeats, reports and checks of the disk have come round by then. */
const IDLE_MS = 10_000;
const HOSTS = [PRIMARY, SECONDARY] as const;

interface Resident {
  readonly count: number;
  readonly host: (typeof HOSTS)[number];
  readonly bytes: number;
}

export const memory: Part = {
  name: 'memory',
  title: 'Memory for each volume',
  async measure({ rounds, tell }) {
    const found: Resident[] = [];
    for (let round = 1; round <= rounds; round++)
      for (const count of COUNTS) {
        const some = await residentWith(count);
        found.push(...some);
        tell(
          `${String(count)} volumes: ${some.map(({ host, bytes }) => `${host} ${mib(bytes)}`).join(', ')}`,
        );
      }
    const of = (host: string, count: number): number =>
      median(found.filter((one) => one.host === host && one.count === count).map(({ bytes }) => bytes));
    const [least, , most] = COUNTS;
    const further = HOSTS.map((host) => (of(host, most) - of(host, least)) / (most - least));
    return {
      lines: [
        `Resident in an idle daemon, 10 s after its volumes of 1 GiB with two copies are in sync; medians of ${String(rounds)} starts:`,
        '',
        ...table(
          ['host', ...COUNTS.map((count) => `${String(count)} volumes`), 'each further volume'],
          HOSTS.map((host, index) => [
            index === 0 ? 'of the primaries' : 'of the secondaries',
            ...COUNTS.map((count) => mib(of(host, count))),
            `${((further[index] ?? Number.NaN) / MIB).toFixed(2)} MiB`,
          ]),
        ),
      ],
      goals: [],
      charts: {
        memory: {
          title: 'Memory of an idle daemon',
          x: { label: 'volumes' },
          y: { label: 'resident, MiB' },
          series: HOSTS.map((host, index) => ({
            name: index === 0 ? 'primaries' : 'secondaries',
            points: COUNTS.map((count) => [count, of(host, count) / MIB] as const),
          })),
        },
      },
      data: found,
    };
  },
};

async function residentWith(count: number): Promise<readonly Resident[]> {
  const fleet = await Fleet.start({ network: NETWORK, count, sizeBytes: GIB, copies: 2 });
  try {
    await sleep(IDLE_MS);
    const found: Resident[] = [];
    for (const host of HOSTS) found.push({ count, host, bytes: await fleet.residentBytes(host) });
    return found;
  } finally {
    await fleet.destroy();
  }
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(0)} MiB`;
}
