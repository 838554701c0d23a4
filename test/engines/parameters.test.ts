import t from 'tap';
import { checkParameters, engineFacts, majorOf } from '../../control/model/engine-parameters.ts';
import type { EngineParameter } from '../../daemon/engines/engine.ts';
import { allowedValues } from '../../daemon/engines/parameters.ts';
import { ENGINES } from '../../daemon/engines/registry.ts';

/** What would let an engine answer a commit before it is on stable storage, or page writes be torn. */
const DURABILITY = [
  ...['fsync', 'full_page_writes', 'synchronous_commit', 'wal_sync_method', 'recovery_init_sync_method'],
  ...['innodb_flush_log_at_trx_commit', 'innodb_doublewrite', 'innodb_flush_method', 'sync_binlog'],
];

t.test('numbers are taken with and without their unit', (t) => {
  t.strictSame(
    checkParameters('postgresql', { max_connections: ' 200', work_mem: '8192', shared_buffers: '256MB' }),
    {
      max_connections: '200',
      work_mem: '8192',
      shared_buffers: '256',
    },
  );
  t.end();
});

t.test('booleans are taken as on, off, true and false', (t) => {
  t.strictSame(checkParameters('postgresql', { jit: 'false', autovacuum: 'on' }), {
    jit: 'off',
    autovacuum: 'on',
  });
  t.end();
});

const refusals: readonly (readonly [string, string, string, RegExp])[] = [
  ['a number beyond its bounds', 'max_connections', '9', /^a whole number from 10 to 5000$/],
  ['a number in another unit', 'shared_buffers', '1GB', /^a whole number from 16 to 262144, in MB$/],
  ['a word for a number', 'work_mem', 'plenty', /^a whole number from 64/],
  ['a broken number for a whole one', 'max_connections', '20.5', /^a whole number/],
  ['nothing for a number', 'max_connections', '', /^a whole number/],
  ['a word that is no choice', 'log_statement', 'some', /^none, ddl, mod, all$/],
  ['a number for a boolean', 'jit', '1', /^on, off$/],
  ['a checkpoint so far away that recovery is long', 'checkpoint_timeout', '3600', /to 300, in s$/],
  ['a parameter that there is not', 'max_conections', '20', /^a parameter of PostgreSQL: .*max_connections/],
  ['a second line of the configuration', 'work_mem', "64kB'\nfsync = 'off", /^a whole number/],
];
for (const [what, name, value, allowed] of refusals)
  t.test(`${what} is refused by its field`, (t) => {
    t.throws(() => checkParameters('postgresql', { [name]: value }), {
      code: 'INVALID_ARGUMENT',
      violations: [{ field: `parameters.${name}`, value, allowed }],
    });
    t.end();
  });

t.test('an engine that there is not is refused with those there are', (t) => {
  t.throws(() => checkParameters('oracle', {}), {
    code: 'INVALID_ARGUMENT',
    violations: [{ field: 'engine', value: 'oracle', allowed: 'postgresql, mariadb' }],
  });
  t.end();
});

t.test('no parameter of any engine can lose what was acknowledged', (t) => {
  const names = ENGINES.flatMap(({ parameters }) => parameters.map(({ name }) => name));
  t.strictSame(
    names.filter((name) => DURABILITY.includes(name)),
    [],
  );
  t.end();
});

for (const { name, parameters } of ENGINES)
  t.test(`every default of ${name} is a value that it allows`, (t) => {
    const withDefault = parameters.filter(({ defaultValue }) => defaultValue !== '');
    const defaults = Object.fromEntries(withDefault.map((each) => [each.name, each.defaultValue]));
    t.strictSame(checkParameters(name, defaults), defaults);
    t.equal(new Set(parameters.map((each) => each.name)).size, parameters.length);
    t.end();
  });

t.test('the major version is what the engine counts as one', (t) => {
  t.strictSame(
    [
      majorOf('postgresql', '15.18'),
      majorOf('mariadb', '10.11.19'),
      majorOf('mariadb', '10.11'),
      majorOf('mariadb', ''),
      majorOf('none', ''),
    ],
    ['15', '10.11', '10.11', '', ''],
  );
  t.end();
});

t.test('what is allowed is said in words for every kind of parameter', (t) => {
  const allowedOf = (engine: string, name: string): string => {
    const found = engineFacts(engine).parameters.find((each: EngineParameter) => each.name === name);
    return found === undefined ? '' : allowedValues(found);
  };
  t.equal(allowedOf('postgresql', 'random_page_cost'), 'a number from 0.1 to 100');
  t.equal(allowedOf('mariadb', 'event_scheduler'), 'on, off');
  t.end();
});

const ENDPOINT = {
  alias: 'orders.db.internal',
  port: 5433,
  user: 'admin',
  database: 'orders',
  addresses: ['10.0.0.1', '10.0.1.1'],
};

t.test("PostgreSQL's clients are told the alias, and every address with the one that takes writes", (t) => {
  const facts = engineFacts('postgresql');
  t.equal(facts.uri(ENDPOINT), 'postgresql://admin@orders.db.internal:5433/orders');
  t.equal(
    facts.multiHostUri(ENDPOINT),
    'postgresql://admin@10.0.0.1:5433,10.0.1.1:5433/orders?target_session_attrs=read-write',
  );
  t.equal(facts.multiHostUri({ ...ENDPOINT, addresses: [] }), '');
  t.match(
    facts.command(ENDPOINT),
    /^psql --host=orders\.db\.internal --port=5433 --username=admin --dbname=orders$/,
  );
  t.end();
});

t.test("MariaDB's clients are told the alias", (t) => {
  const facts = engineFacts('mariadb');
  t.equal(facts.uri(ENDPOINT), 'mariadb://admin@orders.db.internal:5433/orders');
  t.equal(facts.multiHostUri(ENDPOINT), '');
  t.match(
    facts.command(ENDPOINT),
    /^mariadb --host=orders\.db\.internal --port=5433 --user=admin --password orders$/,
  );
  t.end();
});
