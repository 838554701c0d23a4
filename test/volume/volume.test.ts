/** One volume between a replica's machine and the world, where the world fails. */
import t from 'tap';
import type { HostMeta, ReplicaRecord } from '../../daemon/meta/host-meta.ts';
import { type Message, newestVersion, oldestVersion } from '../../daemon/replication/messages.ts';
import type { Fallback } from '../../daemon/store/fallback.ts';
import { bootClock } from '../../daemon/sys/clock.ts';
import type { Log } from '../../daemon/sys/log.ts';
import { Volume } from '../../daemon/volume/volume.ts';
import type { Link, LinkEvents } from '../../daemon/wire/link.ts';
import { record } from '../meta/records.ts';
import { openDisk } from '../support/layered-disk.ts';
import { openVolumes, SIZE, soloVolume } from '../support/open-volumes.ts';
import { Space } from '../../daemon/store/space.ts';
import { NO_LIMITS } from '../support/open-volumes.ts';
import { quietLog } from '../support/quiet-log.ts';

t.test('why the other replica cannot be reached is told once for each reason', async (t) => {
  const told: unknown[] = [];
  const log: Log = {
    ...quietLog,
    warn: (facts) => {
      told.push(facts['error']);
    },
  };
  let dials = 0;
  const dial = (): Promise<never> => Promise.reject(new Error(++dials < 4 ? 'refused' : 'no route'));
  const { volumes } = await openVolumes(t, { log, dial });
  await soloVolume(volumes);
  volumes.require('v').run({ type: 'seed', target: 'b', snapshot: 's' });
  while (dials < 2) await new Promise((resolve) => setTimeout(resolve, 10));
  volumes.require('v').run({ type: 'seed', target: 'b', snapshot: 's' });
  while (dials < 5) {
    volumes.require('v').run({ type: 'seed', target: 'b', snapshot: 's' });
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  t.strictSame(told, ['refused', 'no route']);
});

t.test('a state that cannot be made durable ends the process', async (t) => {
  const { promise: said, resolve } = Promise.withResolvers<string>();
  const { volumes, meta } = await openVolumes(t, { fatal: resolve });
  await soloVolume(volumes);
  await meta.close();
  volumes.tell('v', { generation: 2, primary: 'b', inSync: ['b'] }, { explicit: true });
  t.match(await said, /the state of volume v cannot be made durable: .*not open/);
});

/** The other end of a link that a primary opened: what it says, and what it hears. */
class PrimaryEnd {
  readonly heard: Message[] = [];
  #events: LinkEvents | undefined;

  get link(): Link {
    return {
      handOver: (events: LinkEvents) => {
        this.#events = events;
      },
      send: (message: Message) => {
        this.heard.push(message);
      },
      close: () => undefined,
      isCongested: false,
    } as unknown as Link;
  }

  say(message: Message): void {
    this.#events?.onFrame({ message, payload: undefined, intact: true });
    this.#events?.onChunkEnd();
  }
}

t.test('a copy is not durable as begun while the fallback of an earlier one may come back', async (t) => {
  const { disk: store } = await openDisk(t, SIZE);
  const gone = Promise.withResolvers<undefined>();
  const fallback = { regions: [], drop: () => gone.promise, close: () => undefined } as unknown as Fallback;
  const puts: ReplicaRecord[] = [];
  const meta = {
    put: (record: ReplicaRecord) => {
      puts.push(record);
      return Promise.resolve();
    },
  } as unknown as HostMeta;
  const nobody = () => Promise.reject(new Error('nobody is there'));
  const volume = new Volume(
    {
      clock: bootClock,
      log: quietLog,
      meta,
      dial: nobody,
      propose: nobody,
      stateChanged: () => undefined,
      answersUntil: () => undefined,
      space: new Space({
        limits: NO_LIMITS,
        measure: () => ({ totalBytes: SIZE, availableBytes: SIZE }),
        clock: bootClock,
        log: quietLog,
      }),
      tookMs: () => undefined,
      fatal: (why) => t.fail(why),
    },
    { store, fallback },
    {
      volume: 'v',
      sizeBytes: SIZE,
      host: 'a',
      incarnation: 1,
      bootId: 'one boot',
      leaseMs: 400,
      heartbeatMs: 50,
      silenceMs: 300,
      stallMs: 1000,
    },
    {
      durable: record('v', 0, { view: { generation: 0, primary: '', inSync: [] } }).durable,
      maps: new Map(),
    },
  );
  t.teardown(() => {
    volume.close();
  });
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const primary = new PrimaryEnd();
  const hello: Message = {
    type: 'hello',
    wireVersion: newestVersion,
    oldestVersion,
    volume: 'v',
    sizeBytes: SIZE,
    host: 'b',
    generation: 1,
    incarnation: 5,
    peerIncarnation: 0,
    intent: 'join',
    inSync: ['b'],
  };
  volume.accept(primary.link, { message: hello, payload: undefined, intact: true });
  await turn();
  t.match(primary.heard, [{ type: 'hello-answer' }]);
  const before = puts.length;
  primary.say({ type: 'copy-begin', generation: 1 });
  for (let turns = 0; turns < 5; turns++) await turn();
  t.equal(puts.length, before, 'what is kept of an earlier copy is still there');
  gone.resolve(undefined);
  await turn();
  t.match(puts.slice(before), [{ durable: { mixed: true } }]);
});
