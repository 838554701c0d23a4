import t from 'tap';
import { connectionInfo, digCommand, multiHostUrl } from '../../../client/cli/connection.ts';
import { healthyDatabase } from '../fixtures.ts';

const { endpoint } = healthyDatabase();
if (endpoint === undefined) throw new Error('the fixture has an endpoint');

t.test('the connection string names every address and asks for the one that takes writes', async (t) => {
  t.equal(
    multiHostUrl(endpoint, 'p@ss/word'),
    'postgresql://lockstep:p%40ss%2Fword@127.0.0.11:5432,127.0.0.12:5432/orders?target_session_attrs=read-write',
  );
});

t.test('psql gets the alias as the name and the resolved address beside it', async (t) => {
  t.equal(
    connectionInfo(endpoint, '127.0.0.12'),
    'host=orders.db.lockstep.internal hostaddr=127.0.0.12 port=5432 user=lockstep dbname=orders',
  );
});

t.test('a value with a quote in it stays one value', async (t) => {
  t.match(connectionInfo({ ...endpoint, user: "o'x y" }, '127.0.0.12'), "user='o\\'x y'");
});

t.test('the responder is asked at its own port', async (t) => {
  t.equal(digCommand(endpoint), 'dig @127.0.0.10 orders.db.lockstep.internal +short');
  t.equal(
    digCommand({ ...endpoint, dnsServer: '127.0.0.10:5353' }),
    'dig @127.0.0.10 -p 5353 orders.db.lockstep.internal +short',
  );
});
