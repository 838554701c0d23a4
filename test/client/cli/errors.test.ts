import t from 'tap';
import { errorJson, exitCodeOf, renderError, UsageError } from '../../../client/cli/errors.ts';
import { plain } from '../../../client/cli/text.ts';
import { invalidField, LockstepError } from '../../../daemon/sys/errors.ts';

const SERVER = '127.0.0.10:7400';
const render = (error: unknown): string => renderError(error, SERVER, plain);

t.test('control that cannot be reached is named with its address and what to try', async (t) => {
  const error = new LockstepError(
    'UNAVAILABLE',
    'No connection established. Last error: connect ECONNREFUSED 1.2.3.4:1',
  );
  const [what = '', next = ''] = render(error).split('\n');
  t.match(what, /^error: no control daemon answers at 127\.0\.0\.10:7400 \(connection refused/);
  t.match(next, /npm run quickstart/);
  t.match(next, /--server HOST:PORT or LOCKSTEP_SERVER/);
  t.equal(exitCodeOf(error), 1);
});

t.test('UNAVAILABLE with a reason is the word of a server that answers', async (t) => {
  const error = new LockstepError('UNAVAILABLE', 'host-b does not answer', { reason: 'HOST_SILENT' });
  t.match(render(error), /^error: host-b does not answer\n/);
});

t.test('a refused field is a line that says what, and one that says what is allowed', async (t) => {
  const error = invalidField('size_bytes', '12', 'at least 268435456');
  t.equal(render(error), 'error: size_bytes is "12"\nallowed: at least 268435456\n');
});

t.test('wrong usage exits with 2', async (t) => {
  t.equal(exitCodeOf(new UsageError('delete asks', '--yes')), 2);
  t.equal(render(new UsageError('delete asks', '--yes')), 'error: delete asks\nallowed: --yes\n');
});

t.test('as JSON an error has its code, reason, violations and the next step', async (t) => {
  t.match(errorJson(invalidField('engine', 'oracle', 'postgresql'), SERVER), {
    error: {
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_FIELD',
      violations: [{ field: 'engine', value: 'oracle', allowed: 'postgresql' }],
    },
  });
});
