/** The throughput of a copy to a host that lost its disk, beside a plain TCP copy of the same bytes. */
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { SECONDARY } from '../bare-volume.ts';
import { fill } from '../speed/fio.ts';
import { Fleet } from './fleet.ts';
import { plainCopy } from './plain-copy.ts';

const run = promisify(execFile);
const NETWORK = 91;
const POLL_MS = 5;
const LIMIT_MS = 120_000;

export interface ResyncRound {
  readonly plainMs: number;
  readonly copyMs: number;
  readonly mode: string;
  readonly trace: unknown;
}

export async function* resyncRounds(rounds: number, sizeBytes: number): AsyncGenerator<ResyncRound> {
  const fleet = await Fleet.start({ network: NETWORK, count: 1, sizeBytes, copies: 2 });
  try {
    const [volume = ''] = fleet.volumes;
    await fill({ uri: fleet.uri(volume) }, { sizeBytes, cpus: '0-1' });
    for (let round = 0; round < rounds; round++) yield await oneRound(fleet, volume);
  } finally {
    await fleet.destroy();
  }
}

async function oneRound(fleet: Fleet, volume: string): Promise<ResyncRound> {
  const { installation } = fleet;
  const from = await fleet.dataFile('host-a', volume);
  await installation.killHost(SECONDARY);
  const { stateDir, folder } = installation.host(SECONDARY);
  rmSync(stateDir, { recursive: true });
  await run('sync');
  const to = join(folder, 'plain');
  const plain = await plainCopy(from, to);
  rmSync(to);
  await run('sync');
  await installation.startHost(SECONDARY);
  const copy = await watched(fleet, volume);
  await fleet.settled();
  return { plainMs: plain.ms, ...copy };
}

async function watched(fleet: Fleet, volume: string) {
  const giveUpAtMs = performance.now() + LIMIT_MS;
  let beganAtMs: number | undefined;
  let mode = '';
  let last = '';
  const trace: unknown[] = [];
  for (;;) {
    const { state, copy } = await fleet.primary(volume);
    const now = performance.now();
    if (copy !== undefined && (copy.phase !== 'DONE' || beganAtMs !== undefined)) {
      beganAtMs ??= now;
      mode = copy.mode;
      const what = `${state} ${copy.phase} ${copy.mode}`;
      const row = [
        Math.round(now - beganAtMs),
        what,
        Number(copy.doneBytes) >> 20,
        Number(copy.limitBytesPerSecond) / 1048576,
      ];
      if (what !== last || trace.length % 20 === 0) trace.push(row);
      else trace.push(row);
      last = what;
      if (state === 'SERVING') return { copyMs: now - beganAtMs, mode, trace: trace.filter((_, i) => i % 10 === 0 || i > trace.length - 5) };
    }
    if (now > giveUpAtMs) throw new Error(`not in sync: ${state}`);
    await sleep(POLL_MS);
  }
}
if (process.argv[1] === import.meta.filename)
  for await (const r of resyncRounds(2, 2 * 2 ** 30)) console.log(JSON.stringify(r));
