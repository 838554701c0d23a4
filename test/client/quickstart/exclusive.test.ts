import t from 'tap';
import { exclusively } from '../../../client/quickstart/exclusive.ts';

const STATE = `/var/lib/try-${String(process.pid)}`;

t.test('a second quick start on the same folder is told who is at work', async (t) => {
  await exclusively(STATE, async () => {
    await t.rejects(
      exclusively(STATE, async () => undefined),
      { code: 'FAILED_PRECONDITION', reason: 'QUICKSTART_RUNNING', metadata: { pid: String(process.pid) } },
    );
  });
});

t.test('another folder is another quick start', async (t) => {
  await exclusively(STATE, () => t.resolves(exclusively(`${STATE}-b`, async () => undefined)));
});

t.test('the next one gets in when the first is done, also if it failed', async (t) => {
  await t.rejects(exclusively(STATE, () => Promise.reject(new Error('no'))));
  t.equal(await exclusively(STATE, async () => 'in'), 'in');
});
