import t from 'tap';
import { Observations } from '../../../control/monitor/observations.ts';
import { HeartbeatRequest } from '../../../proto/gen/lockstep/agent/v1/agent.ts';

function listener() {
  const clock = { nowMs: 0 };
  const observations = new Observations({ nowMs: () => clock.nowMs, silenceMs: 1500 });
  const hear = (nowMs: number, change: Parameters<typeof HeartbeatRequest.fromPartial>[0] = {}): void => {
    clock.nowMs = nowMs;
    observations.hear(HeartbeatRequest.fromPartial({ host: 'a1', address: '127.0.0.1', ...change }));
  };
  const engineStarted = (nowMs: number): void => {
    clock.nowMs = nowMs;
    observations.engineStarted('a1', 'orders-1');
  };
  const engine = (): string | undefined =>
    observations.hosts.get('a1')?.engines.find(({ volume }) => volume === 'orders-1')?.state;
  return { observations, hear, engineStarted, engine };
}

const stopped = { engines: [{ volume: 'orders-1', state: 'STOPPED' }] };

t.test(
  'an engine runs from the answer that says so, until a heartbeat that is newer says otherwise',
  async (t) => {
    const { hear, engineStarted, engine } = listener();
    hear(100, stopped);
    engineStarted(150);
    t.equal(engine(), 'RUNNING');
    hear(200, stopped);
    t.equal(engine(), 'RUNNING', 'it may have been put together before the answer');
    hear(300, stopped);
    t.equal(engine(), 'STOPPED');
  },
);

t.test('an engine of the process before is not taken for one of the new process', async (t) => {
  const { hear, engineStarted, engine } = listener();
  hear(100);
  engineStarted(150);
  hear(200, { incarnation: 2n });
  t.equal(engine(), undefined);
});

t.test('an answer of a host that was never heard starts nothing', async (t) => {
  const { engineStarted, engine } = listener();
  engineStarted(100);
  t.equal(engine(), undefined);
});

t.test('a replica that its host says was deleted is not held against it', async (t) => {
  const { observations, hear } = listener();
  hear(100, { replicas: [{ volume: 'orders-1' }, { volume: 'stock-1' }] });
  observations.replicaDeleted('a1', 'orders-1');
  t.same([...(observations.hosts.get('a1')?.replicas.keys() ?? [])], ['stock-1']);
  observations.replicaDeleted('never-heard', 'orders-1');
  t.equal(observations.hosts.has('never-heard'), false);
});
