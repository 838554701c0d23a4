/** When the purger begins, and begins again. */
import t from 'tap';
import { setTimeout as sleep } from 'node:timers/promises';
import { Purger } from '../../../control/monitor/purger.ts';
import { Repository } from '../../../control/repository.ts';
import { keys } from '../../../control/model/records.ts';
import { database, volume } from '../../support/control-records.ts';
import { quietLog } from '../../support/quiet-log.ts';
import { openStore } from '../workflow/sample.ts';

const EXPIRE_MS = 1000;
const AGAIN_MS = 500;

t.test('a purge that stopped on its way is tried again by a clock that does not jump', async (t) => {
  const store = await openStore(t);
  const record = { ...database, lifecycle: 'deleted', busyWith: '', expireTimeMs: EXPIRE_MS };
  await store.transact([], [{ key: keys.database(database.id), value: record }]);
  await store.transact([], [{ key: keys.volume(volume.volume), value: volume }]);
  const time: { wallMs: number; nowMs: number; awaits: boolean; behind: string | undefined } = {
    wallMs: EXPIRE_MS - 1,
    nowMs: 0,
    awaits: true,
    behind: 'a host knows better',
  };
  let begun = 0;
  const start = async (): Promise<{ readonly ok: true; readonly id: string }> => {
    begun++;
    return { ok: true, id: 'purge-1' };
  };
  const purger = new Purger({
    repository: new Repository(store, () => time.wallMs),
    starter: { purge: start, purgeArchive: start },
    hosts: { awaitsHosts: async () => time.awaits, mayBeUsed: () => time.behind },
    wallClock: () => time.wallMs,
    nowMs: () => time.nowMs,
    log: quietLog,
    pace: { everyMs: 2, againMs: AGAIN_MS },
  });
  t.teardown(() => purger.close());
  purger.start();
  const looks = (): Promise<unknown> => sleep(50);
  await looks();
  t.equal(begun, 0, 'not within its grace time');
  time.wallMs = EXPIRE_MS + 10 * AGAIN_MS;
  await looks();
  t.equal(begun, 0, 'not before the hosts were heard');
  time.awaits = false;
  await looks();
  t.equal(begun, 0, 'nor by a record that is older than what they hold');
  time.behind = undefined;
  time.nowMs = AGAIN_MS;
  await looks();
  t.equal(begun, 1);
  time.wallMs += 10 * AGAIN_MS;
  await looks();
  t.equal(begun, 1, 'the clock was set forward');
  time.wallMs = EXPIRE_MS;
  time.nowMs = 2 * AGAIN_MS;
  await looks();
  t.equal(begun, 2, 'the clock was set back');
});
