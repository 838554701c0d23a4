/** A stranger's client: Python's grpcio as Debian ships it, which knows the API by reflection alone. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { publicMethods } from '../support/api-calls.ts';
import { ControlHarness } from '../support/control-harness.ts';

/** Not another one that is first on the PATH: it lacks Debian's modules. */
const PYTHON = '/usr/bin/python3';
const LIMIT_MS = 60_000;

interface Line {
  readonly what: string;
  readonly [fact: string]: unknown;
}

t.test(
  'a Python client with no code of ours lists the services, creates a database and watches it',
  async (t) => {
    const harness = await ControlHarness.open(t);
    await harness.hostsHeard();
    const script = join(import.meta.dirname, 'stranger.py');
    const { stdout } = await promisify(execFile)(PYTHON, [script, harness.address], { timeout: LIMIT_MS });
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    const said = (what: string): readonly Line[] => lines.filter((line) => line.what === what);

    const [v1, v1alpha] = said('services');
    t.same(v1?.['names'], v1alpha?.['names']);
    const names = v1?.['names'] as readonly string[];
    for (const [service, methods] of byService())
      if (names.includes(service))
        t.match(
          said('service').find((line) => line['name'] === service),
          { methods },
        );
    t.ok(names.includes('lockstep.v1.DatabaseService'));
    t.equal(said('type').length, 5);

    t.match(said('absent'), [
      {
        code: 'NOT_FOUND',
        details: {
          ErrorInfo: {
            reason: 'DATABASE_NOT_FOUND',
            domain: 'lockstep',
            metadata: { next: /ListDatabases/ },
          },
          ResourceInfo: { resource_type: 'lockstep.v1.Database', resource_name: 'databases/none' },
        },
      },
    ]);
    t.match(said('invalid'), [
      {
        code: 'INVALID_ARGUMENT',
        details: {
          BadRequest: { field_violations: [{ field: 'database_id', description: /1 to 40 of a-z/ }] },
        },
      },
    ]);
    t.match(said('checked'), [{ done: true, response: 'databases/orders' }]);
    const [operation] = said('operation');
    t.match(operation, { workflow: 'create-database', name: /^operations\// });
    t.equal(operation?.['again'], operation?.['name']);
    t.match(said('database')[0], { state: 'DATABASE_STATE_CREATING' });
    t.match(said('database').at(-1), { state: 'DATABASE_STATE_ACTIVE', redundancy: 'REDUNDANCY_IN_SYNC' });
    t.match(said('done'), [{ done: true, response: 'databases/orders' }]);
    t.match(said('taken'), [
      { code: 'ALREADY_EXISTS', details: { ErrorInfo: { reason: 'DATABASE_EXISTS' } } },
    ]);
  },
);

function byService(): ReadonlyMap<string, readonly string[]> {
  const grouped = Map.groupBy(publicMethods(), (method) => method.parent.typeName);
  return new Map([...grouped].map(([service, methods]) => [service, methods.map((method) => method.name)]));
}
