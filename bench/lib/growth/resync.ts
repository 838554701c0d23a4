/**
 * The throughput of a copy to a host that lost its disk, and to one that was away while everything was written anew,
 * each beside a plain TCP copy of the same bytes right before it.
 */
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { PRIMARY, SECONDARY } from '../bare-volume.ts';
import { fill } from '../speed/fio.ts';
import { median } from '../statistics.ts';
import { Fleet } from './fleet.ts';
import { ALL_CPUS, type Part, table } from './part.ts';
import { plainCopy } from './plain-copy.ts';

const run = promisify(execFile);
const NETWORK = 97;
const GIB = 2 ** 30;
const SIZE_BYTES = 3 * GIB;
const BYTES_PER_MB = 1e6;
const POLL_MS = 50;
const LIMIT_MS = 120_000;
const AIM = 0.7;

const KINDS = ['lost', 'away'] as const;
type Kind = (typeof KINDS)[number];
const TITLES = {
  lost: 'to an empty disk',
  away: 'of everything, to a disk that has an older copy',
} as const;

interface Round {
  readonly kind: Kind;
  /** As the primary calls it. */
  readonly mode: string;
  readonly plainMs: number;
  /** From the first sign of the copy to both in sync, all of it on stable storage. */
  readonly resyncMs: number;
}

export const resync: Part = {
  name: 'resync',
  title: 'Resync',
  async measure({ rounds, tell }) {
    const found: Round[] = [];
    for await (const round of measured(rounds)) {
      found.push(round);
      tell(
        `${TITLES[round.kind]} (${round.mode}): plain ${round.plainMs.toFixed(0)} ms, resync ${round.resyncMs.toFixed(0)} ms`,
      );
    }
    const cells = KINDS.map((kind) => {
      const of = found.filter((round) => round.kind === kind);
      return {
        kind,
        mode: of[0]?.mode ?? '',
        plain: rate(median(of.map(({ plainMs }) => plainMs))),
        resync: rate(median(of.map(({ resyncMs }) => resyncMs))),
        ratio: median(of.map(({ plainMs, resyncMs }) => plainMs / resyncMs)),
      };
    });
    return {
      lines: [
        `${String(SIZE_BYTES / GIB)} GiB without clients, over TCP on loopback, in turn; medians of ${String(rounds)} rounds. The plain copy: one process reads a file and sends it, another writes it, in the same direction on the same disk, and has it on stable storage at the end, as the resync has. A resync counts from its first sign to both copies in sync:`,
        '',
        ...table(
          ['what', 'mode', 'plain copy', 'resync', 'ratio'],
          cells.map(({ kind, mode, plain, resync: ours, ratio }) => [
            TITLES[kind],
            mode,
            `${plain.toFixed(0)} MB/s`,
            `${ours.toFixed(0)} MB/s`,
            ratio.toFixed(2),
          ]),
        ),
      ],
      // What a disk held before a copy is kept until the copy is whole: all of it is written twice.
      goals: cells
        .filter(({ kind }) => kind === 'lost')
        .map(({ kind, ratio }) => ({
          what: `${TITLES[kind]}: at least ${String(AIM)} of a plain copy`,
          isReached: ratio >= AIM,
        })),
      charts: {
        resync: {
          title: 'A resync beside a plain TCP copy',
          x: { label: 'round', isEven: true },
          y: { label: 'throughput of the resync / of the plain copy' },
          series: KINDS.map((kind) => ({
            name: kind === 'lost' ? 'empty disk' : 'older copy',
            points: found
              .filter((round) => round.kind === kind)
              .map(({ plainMs, resyncMs }, index) => [index + 1, plainMs / resyncMs] as const),
          })),
          limit: { value: AIM, label: `aim for an empty disk: at least ${String(AIM)}` },
        },
      },
      data: found,
    };
  },
};

async function* measured(rounds: number): AsyncGenerator<Round> {
  const fleet = await Fleet.start({ network: NETWORK, count: 1, sizeBytes: SIZE_BYTES, copies: 2 });
  try {
    await written(fleet);
    for (let round = 0; round < rounds; round++) for (const kind of KINDS) yield await oneRound(fleet, kind);
  } finally {
    await fleet.destroy();
  }
}

async function oneRound(fleet: Fleet, kind: Kind): Promise<Round> {
  const { installation } = fleet;
  const { stateDir, folder } = installation.host(SECONDARY);
  const from = await fleet.dataFile(PRIMARY, volumeOf(fleet));
  await installation.killHost(SECONDARY);
  const to = join(folder, 'plain');
  if (kind === 'lost') rmSync(stateDir, { recursive: true });
  else {
    // Over an older copy, as the resync.
    await plainCopy(from, to);
    await written(fleet);
  }
  await run('sync');
  const plain = await plainCopy(from, to);
  if (plain.bytes !== SIZE_BYTES) throw new Error(`the plain copy has ${String(plain.bytes)} bytes`);
  rmSync(to);
  await run('sync');
  await installation.startHost(SECONDARY);
  const copied = await watched(fleet);
  await fleet.settled();
  return { kind, plainMs: plain.ms, ...copied };
}

function volumeOf(fleet: Fleet): string {
  const [volume] = fleet.volumes;
  if (volume === undefined) throw new Error('there is no volume');
  return volume;
}

/** All of it, and no client is left. */
async function written(fleet: Fleet): Promise<void> {
  await fill({ uri: fleet.uri(volumeOf(fleet)) }, { sizeBytes: SIZE_BYTES, cpus: ALL_CPUS });
}

/** From its first sign to both in sync. It is asked seldom: what is measured has two processors with it. */
async function watched(fleet: Fleet): Promise<Pick<Round, 'mode' | 'resyncMs'>> {
  const giveUpAtMs = performance.now() + LIMIT_MS;
  let beganAtMs: number | undefined;
  for (;;) {
    const { state, copy } = await fleet.primary(volumeOf(fleet));
    const nowMs = performance.now();
    if (copy !== undefined && copy.phase !== 'DONE') beganAtMs ??= nowMs;
    if (beganAtMs !== undefined && state === 'SERVING')
      return { mode: copy?.mode ?? '', resyncMs: nowMs - beganAtMs };
    if (nowMs > giveUpAtMs) throw new Error(`not in sync: ${state}`);
    await sleep(POLL_MS);
  }
}

function rate(ms: number): number {
  return SIZE_BYTES / BYTES_PER_MB / (ms / 1000);
}
