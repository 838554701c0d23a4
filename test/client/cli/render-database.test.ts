import t from 'tap';
import { renderDatabase, renderEvents } from '../../../client/cli/render-database.ts';
import { plain } from '../../../client/cli/text.ts';
import { Redundancy } from '../../../proto/gen/lockstep/v1/database_service.ts';
import { healthyDatabase } from '../fixtures.ts';

t.test('a database is shown with what a client needs, and without its password', async (t) => {
  const text = renderDatabase(healthyDatabase(), plain);
  t.match(text, /alias +orders\.db\.lockstep\.internal:5432/);
  t.match(
    text,
    'postgresql://lockstep@127.0.0.11:5432,127.0.0.12:5432/orders?target_session_attrs=read-write',
    'the connection string with both hosts, which docs/install.md sends people to',
  );
});

t.test('a database that nobody can connect to yet has no empty lines', async (t) => {
  const text = renderDatabase(healthyDatabase({ endpoint: undefined }), plain);
  t.notMatch(text, 'postgresql://');
  t.notMatch(text, /^ +(alias|address now|both hosts)/m);
});

t.test('one copy is said to be one, with what to do', async (t) => {
  const text = renderDatabase(healthyDatabase({ redundancy: Redundancy.REDUNDANCY_DEGRADED }), plain);
  t.match(text, /meaning +It is served, but from one copy only/);
  t.match(text, /to do +Bring the other host back/);
});

t.test('an event fits a terminal of 80 columns', async (t) => {
  const phases = ['detect', 'fence', 'promote', 'attach_and_mount', 'engine_recovery', 'alias'];
  const event = {
    name: 'databases/orders/events/7',
    operation: '',
    time: new Date('2026-01-02T03:04:05Z'),
    reason: 'FAILED_OVER',
    message:
      'host-a has been silent for 1.7 s, host-b has not heard it either and holds every acknowledged write',
    generation: 3n,
    phases: phases.map((phase) => ({ phase, durationMs: 1234 })),
  };
  const lines = renderEvents([event], plain).split('\n');
  t.strictSame(
    lines.filter((line) => line.length > 80),
    [],
  );
  t.equal(lines[0], '2026-01-02 03:04:05Z  FAILED_OVER (generation 3)');
  t.match(
    lines.join(' ').replaceAll(/\s+/g, ' '),
    '7.4 s: detect 1.2 s, fence 1.2 s, promote 1.2 s, attach and mount 1.2 s',
  );
});
