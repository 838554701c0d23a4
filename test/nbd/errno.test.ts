import { openSync } from 'node:fs';
import t from 'tap';
import { errorNumberOf, failureOf } from '../../daemon/nbd/errno.ts';
import { LockstepError } from '../../daemon/sys/errors.ts';

t.test('failures have the numbers that the protocol fixes', async (t) => {
  const failures = ['EPERM', 'EIO', 'ENOMEM', 'EINVAL', 'ENOSPC', 'ESHUTDOWN'] as const;
  t.strictSame(failures.map(errorNumberOf), [1, 5, 12, 22, 28, 108]);
});

t.test('a full disk is ENOSPC, whatever the system calls it', async (t) => {
  for (const code of ['ENOSPC', 'EDQUOT', 'EFBIG'])
    t.equal(failureOf(Object.assign(new Error(), { code })), 'ENOSPC');
  t.equal(failureOf(new LockstepError('RESOURCE_EXHAUSTED', 'full')), 'ENOSPC');
});

t.test('an error that nobody expected is EIO', async (t) => {
  try {
    openSync('/nonexistent/file', 'r');
  } catch (error) {
    t.equal(failureOf(error), 'EIO');
  }
  t.equal(failureOf('not even an error'), 'EIO');
});
