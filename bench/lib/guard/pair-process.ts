/**
 * Both replicas of a volume in this process, with the product's store, links, NBD server and metrics, and nobody else:
 * what is allocated and which system calls are made is theirs. A parent asks over IPC:
 *
 *   'count'  garbage is collected, and counting begins; answers an empty object
 *   'tell'   answers Counted
 *
 * node --expose-gc bench/lib/guard/pair-process.ts FOLDER SIZE_BYTES; ends with its parent.
 */
import { join } from 'node:path';
import { PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { HostMeta } from '../../../daemon/meta/host-meta.ts';
import { MetricsServer } from '../../../daemon/metrics/metrics.ts';
import { NbdServer } from '../../../daemon/nbd/server.ts';
import type { View } from '../../../daemon/replication/interface.ts';
import { bootClock } from '../../../daemon/sys/clock.ts';
import type { Log } from '../../../daemon/sys/log.ts';
import { Volumes } from '../../../daemon/volume/volumes.ts';
import { dial } from '../../../daemon/wire/link.ts';
import { ReplicationServer } from '../../../daemon/wire/replication-server.ts';

const GUARDED_VOLUME = 'guarded';
/** As a configuration without them has it. */
const TIMING = { leaseMs: 1850, heartbeatMs: 250, silenceMs: 1500, stallMs: 5000 };
const ADDRESS = '127.0.0.1';
const POLL_MS = 5;

export interface Counted {
  /** Since counting began. Right only while `collections` is 0. */
  readonly heapBytes: number;
  /** Outside of the heap: what sockets read into, and buffers. */
  readonly bufferBytes: number;
  readonly collections: number;
}

const quiet = (): void => undefined;
const log: Log = { debug: quiet, info: quiet, warn: quiet, error: console.error };

const [folder = '', sizeBytes = ''] = process.argv.slice(2);
const peers = new Map<string, number>();
const hosts: Volumes[] = [];
let record: View = { generation: 1, primary: 'a', inSync: ['a'] };

async function host(name: string): Promise<Volumes> {
  const meta = await HostMeta.open(join(folder, name, 'meta'));
  const volumes = new Volumes({
    stateDir: join(folder, name),
    host: name,
    incarnation: hosts.length + 1,
    bootId: 'one boot',
    ...TIMING,
    stateChanged: quiet,
    answersUntil: quiet,
    space: { reserveBytes: 0, warnPercent: 100, whenFull: 'fail' },
    world: {
      clock: bootClock,
      log,
      meta,
      dial: (peer) => {
        const port = peers.get(peer);
        if (port === undefined) return Promise.reject(new Error(`${peer} is not up`));
        return dial({ host: ADDRESS, port, localAddress: ADDRESS }, TIMING.silenceMs);
      },
      propose: ({ fromGeneration, inSync }) => {
        record = { generation: fromGeneration + 1, primary: 'a', inSync };
        for (const one of hosts) one.tell(GUARDED_VOLUME, record, { explicit: true });
        return Promise.resolve({ view: record, reason: '' });
      },
      fatal: (why) => {
        throw new Error(why);
      },
    },
  });
  hosts.push(volumes);
  await volumes.openAll();
  const replication = new ReplicationServer((link, first) => {
    volumes.accept(link, first);
  }, log);
  await replication.listen(ADDRESS, 0);
  peers.set(name, replication.port);
  await volumes.create(GUARDED_VOLUME, Number(sizeBytes));
  return volumes;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(POLL_MS);
}

const [a] = [await host('a'), await host('b')];
const volume = a.require(GUARDED_VOLUME);
a.tell(GUARDED_VOLUME, record, { explicit: true });
await until(() => volume.state === 'SOLO');
volume.run({ type: 'seed', target: 'b', snapshot: 's' });
await until(() => volume.status.join?.phase === 'SEEDED');
volume.run({ type: 'connect', target: 'b' });
await volume.dropSeed();
await until(() => volume.state === 'SERVING');
// Subscribes to what the data path tells, as in a daemon.
new MetricsServer({ host: 'a', zone: 'a', version: '' }, { volumes: a });
const nbd = new NbdServer({ exports: a.exports });
await nbd.listenUnix(join(folder, 'nbd.sock'));

let collections = 0;
new PerformanceObserver((entries) => {
  collections += entries.getEntries().length;
}).observe({ entryTypes: ['gc'] });
let start = process.memoryUsage();

process.on('message', (question: 'count' | 'tell') => {
  void answer(question).then((counted) => process.send?.(counted));
});
process.once('disconnect', () => {
  process.exit(0);
});
process.send?.({});

async function answer(question: 'count' | 'tell'): Promise<Counted | object> {
  const now = process.memoryUsage();
  if (question === 'tell')
    return {
      heapBytes: now.heapUsed - start.heapUsed,
      bufferBytes: now.arrayBuffers - start.arrayBuffers,
      collections,
    } satisfies Counted;
  globalThis.gc?.();
  // Its own entry comes in a turn of its own.
  await sleep(POLL_MS);
  collections = 0;
  start = process.memoryUsage();
  return {};
}
