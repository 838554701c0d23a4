import t from 'tap';
import { checkRoom } from '../../../control/services/create-request.ts';
import type { HostKnowledge } from '../../../control/workflow/definitions/surroundings.ts';
import { LockstepError } from '../../../daemon/sys/errors.ts';

t.test('a create that waits for hosts stops when its caller is gone', async (t) => {
  let looks = 0;
  const aborter = new AbortController();
  const hosts = {
    awaitsHosts: () => Promise.resolve(true),
    rooms: () => {
      looks++;
      if (looks === 3) aborter.abort(new LockstepError('ABORTED', 'the caller hung up'));
      return Promise.resolve([]);
    },
  } as unknown as HostKnowledge;
  const wish = { id: 'orders', engine: 'postgresql', sizeBytes: 2 ** 28, zones: [] } as unknown as Parameters<
    typeof checkRoom
  >[1];
  await t.rejects(checkRoom(hosts, wish, aborter.signal), { code: 'ABORTED', message: /hung up/ });
  t.equal(looks, 3);
});
