/** The line to control, with a control that answers as the test says. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import {
  Coordinator,
  type CoordinatorOptions,
  type HeartbeatReport,
} from '../../daemon/agent/coordinator.ts';
import { LockstepError } from '../../daemon/sys/errors.ts';
import { unary } from '../../daemon/sys/grpc-unary.ts';
import {
  CoordinatorServiceService,
  HeartbeatRequest,
  type ProposeViewResponse,
  type StorePosition,
  type VolumeView,
} from '../../proto/gen/lockstep/agent/v1/agent.ts';
import { quietLog } from '../support/quiet-log.ts';

const HEARTBEAT_MS = 20;
const view: VolumeView = {
  volume: 'v',
  sizeBytes: 65_536n,
  generation: 4n,
  primary: 'b',
  inSync: ['b'],
  replicas: [],
};

interface Control {
  heartbeats: number;
  views: VolumeView[];
  proposal: ProposeViewResponse;
  position: StorePosition | undefined;
  refusal: LockstepError | undefined;
  /** With the heartbeats. */
  told: (StorePosition | undefined)[];
  kept: StorePosition[];
}

async function start(
  t: Test,
  options: Partial<CoordinatorOptions> = {},
): Promise<{ control: Control; coordinator: Coordinator }> {
  const control: Control = {
    heartbeats: 0,
    views: [],
    proposal: { accepted: true, view, reason: 'granted, and a reason all the same' },
    position: undefined,
    refusal: undefined,
    told: [],
    kept: [],
  };
  const server = new Server();
  server.addService(CoordinatorServiceService, {
    heartbeat: unary(quietLog, (request: HeartbeatRequest) => {
      control.heartbeats++;
      control.told.push(request.store);
      if (control.refusal !== undefined) throw control.refusal;
      return { views: control.views, store: control.position };
    }),
    proposeView: unary(quietLog, () => control.proposal),
  });
  const { promise, resolve } = Promise.withResolvers<number>();
  server.bindAsync('127.0.103.1:0', ServerCredentials.createInsecure(), (_error, port) => {
    resolve(port);
  });
  const coordinator = new Coordinator({
    server: `127.0.103.1:${String(await promise)}`,
    credentials: credentials.createInsecure(),
    heartbeatMs: HEARTBEAT_MS,
    silenceMs: 300,
    describe: () => Promise.resolve(HeartbeatRequest.fromPartial({ host: 'a' })),
    learn: () => undefined,
    position: undefined,
    keepPosition: (position) => control.kept.push(position),
    log: quietLog,
    ...options,
  });
  t.teardown(() => {
    coordinator.close();
    server.forceShutdown();
  });
  return { control, coordinator };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

t.test('heartbeats go on, and what they bring is learned', async (t) => {
  const learned: VolumeView[] = [];
  const { control, coordinator } = await start(t, { learn: (view) => learned.push(view) });
  control.views = [view];
  coordinator.start();
  await until(() => control.heartbeats >= 3 && learned.length >= 2);
  t.match(learned[0], { volume: 'v', generation: 4n });
});

t.test('a host that could not be described is described again', async (t) => {
  let failures = 2;
  const { control, coordinator } = await start(t, {
    describe: () =>
      failures-- > 0
        ? Promise.reject(new Error('not now'))
        : Promise.resolve(HeartbeatRequest.fromPartial({ host: 'a' })),
  });
  coordinator.start();
  await until(() => control.heartbeats >= 2);
  t.pass('heartbeats after the failures');
});

t.test('a heartbeat that is not answered yet is not followed by another', async (t) => {
  const { promise, resolve } = Promise.withResolvers<HeartbeatRequest>();
  let described = 0;
  const { control, coordinator } = await start(t, {
    describe: () => {
      described++;
      return promise;
    },
  });
  coordinator.start();
  await new Promise((next) => setTimeout(next, 5 * HEARTBEAT_MS));
  t.equal(described, 1);
  resolve(HeartbeatRequest.fromPartial({ host: 'a' }));
  await until(() => control.heartbeats >= 2);
});

t.test('a host that control refuses says so once, goes on asking, and is let in later', async (t) => {
  const said: [message: string, reason: unknown][] = [];
  const note = (facts: Readonly<Record<string, unknown>>, message: string): void => {
    said.push([message, facts['reason']]);
  };
  const log = { ...quietLog, info: note, warn: note, error: note };
  const { control, coordinator } = await start(t, { log });
  control.refusal = new LockstepError('FAILED_PRECONDITION', 'it was removed', { reason: 'HOST_REMOVED' });
  coordinator.start();
  await until(() => control.heartbeats >= 4);
  t.strictSame(said, [['control refuses this host; it goes on asking', 'HOST_REMOVED']]);
  control.refusal = undefined;
  await until(() => said.length > 1);
  t.match(said[1], ['control is reached', undefined]);
});

function reports(t: Test): HeartbeatReport[] {
  const found: HeartbeatReport[] = [];
  const listener = (report: unknown): void => {
    found.push(report as HeartbeatReport);
  };
  subscribe('lockstep:agent:heartbeat', listener);
  t.teardown(() => unsubscribe('lockstep:agent:heartbeat', listener));
  return found;
}

t.test('a heartbeat counts from when it was due, also behind one that took long', async (t) => {
  const found = reports(t);
  const { promise, resolve } = Promise.withResolvers<HeartbeatRequest>();
  const { coordinator } = await start(t, { describe: () => promise });
  coordinator.start();
  await new Promise((next) => setTimeout(next, 5 * HEARTBEAT_MS));
  resolve(HeartbeatRequest.fromPartial({ host: 'a' }));
  await until(() => found.length >= 2);
  t.ok(found.every(({ answered }) => answered));
  t.ok((found[0]?.durationMs ?? 0) >= 4 * HEARTBEAT_MS, 'the one that took long');
  t.ok((found[1]?.durationMs ?? 0) >= 3 * HEARTBEAT_MS, 'the one that had to wait for it');
});

t.test('a heartbeat that nobody answers is told of as one that failed', async (t) => {
  const found = reports(t);
  const { coordinator } = await start(t, { describe: () => Promise.reject(new Error('not now')) });
  coordinator.start();
  await until(() => found.length >= 1);
  t.match(found[0], { answered: false });
});

t.test('a replica that fails on a view is a bug of ours, and ends the process', async (t) => {
  const bug = new Error('an assertion of the machine');
  const { control, coordinator } = await start(t, {
    learn: () => {
      throw bug;
    },
  });
  const seen = new Promise<unknown>((resolve) => {
    const listeners = process.rawListeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    process.once('unhandledRejection', (error) => {
      for (const listener of listeners) process.on('unhandledRejection', listener as never);
      resolve(error);
    });
  });
  control.views = [view];
  coordinator.start();
  t.equal(await seen, bug);
  coordinator.close();
});

const proposal = { volume: 'v', fromGeneration: 3, inSync: ['a'], hostRebooted: false, reason: '' };

t.test('a proposal is answered by the record, and by a reason only where it was refused', async (t) => {
  const { control, coordinator } = await start(t);
  t.match(await coordinator.propose('a', proposal), { view: { generation: 4, primary: 'b' }, reason: '' });
  control.proposal = { accepted: false, view, reason: 'b was chosen' };
  t.match(await coordinator.propose('a', proposal), { view: { generation: 4 }, reason: 'b was chosen' });
  control.proposal = { accepted: false, view: undefined, reason: 'no such volume' };
  t.match(await coordinator.propose('a', proposal), { view: undefined, reason: 'no such volume' });
});

t.test('a proposal whose answer is lost fails: its outcome is not known', async (t) => {
  const { coordinator } = await start(t, { server: '127.0.103.1:9' });
  await t.rejects(coordinator.propose('a', proposal), { code: 'UNAVAILABLE' });
});

t.test('how far the control store is goes back to control, and is kept once for each change', async (t) => {
  const before = { run: 'x', revision: 150n };
  const { control, coordinator } = await start(t, { position: before });
  control.position = before;
  coordinator.start();
  await until(() => control.heartbeats >= 2);
  t.strictSame(control.told.slice(0, 2), [before, before]);
  t.strictSame(control.kept, []);
  const older = { run: 'y', revision: 101n };
  control.position = older;
  await until(() => control.told.at(-1)?.run === 'y');
  await until(() => control.heartbeats >= 5);
  t.strictSame(control.kept, [older], 'an older one too: control knew what this host had been told');
});
