import t from 'tap';
import { ReplicaReporter } from '../../daemon/agent/report.ts';
import type { EngineReport } from '../../daemon/host/drivers.ts';
import { quietLog } from '../support/quiet-log.ts';

const running: EngineReport = {
  database: 'orders',
  volume: 'v',
  state: 'RUNNING',
  version: '15',
  logTail: [],
};

function reporter(...answers: (() => Promise<readonly EngineReport[]>)[]): ReplicaReporter {
  const reportEngines = (): Promise<readonly EngineReport[]> => answers.shift()?.() ?? Promise.resolve([]);
  return new ReplicaReporter({ reportEngines }, quietLog, () => undefined);
}

t.test('engines that cannot be asked are told of as they last were', async (t) => {
  const engines = reporter(
    () => Promise.resolve([running]),
    () => Promise.reject(new Error('a broken record')),
  );
  t.match(await engines.engines(), [{ state: 'RUNNING' }]);
  t.match(await engines.engines(), [{ state: 'RUNNING' }]);
  t.strictSame(await engines.engines(), [], 'and as they are again once they answer');
});

t.test('an engine that hangs holds up no heartbeat', async (t) => {
  const { promise, resolve } = Promise.withResolvers<readonly EngineReport[]>();
  const engines = reporter(() => promise);
  const startedMs = performance.now();
  t.strictSame(await engines.engines(), []);
  t.ok(performance.now() - startedMs < 1000);
  resolve([running]);
  t.match(await engines.engines(), [{ state: 'RUNNING' }], 'it is asked once, not again and again');
});

t.test('a replica that cannot be opened is told of, with its generation and why', async (t) => {
  const told = reporter().unreadable({ volume: 'v', generation: 7, why: 'its file is gone' });
  t.match(told, { volume: 'v', state: 'UNREADABLE', generation: 7n, inSync: [], reason: /its file is gone/ });
});
