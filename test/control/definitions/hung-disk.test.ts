/** A host that is heard while its disk hangs: what changes the size of a volume keeps nobody from taking over. */
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { definitionsOf } from '../../../control/workflow/definitions/definitions.ts';
import type { Surroundings } from '../../../control/workflow/definitions/surroundings.ts';
import type { AgentCallOptions } from '../../../control/agents.ts';
import { LockstepError } from '../../../daemon/sys/errors.ts';
import type { MethodEntry } from '../../../daemon/sys/grpc-unary.ts';
import { DatabaseServiceService as databases } from '../../../proto/gen/lockstep/v1/database_service.ts';
import {
  type Volume,
  VolumeServiceService as service,
} from '../../../proto/gen/lockstep/v1/volume_service.ts';
import { ControlHarness, MIB } from '../../support/control-harness.ts';

const SIZE = 1_048_576n;
const HUNG = 'host-b';
/** Far below what a call to a host may take. */
const SOON_MS = 8000;

interface Disk {
  hangs: boolean;
  /** Resolves with the first call that hangs. */
  readonly reached: Promise<unknown>;
}

/** Control whose calls to grow or shrink the replica on host-b are not answered while the disk there hangs. */
async function withDisk(t: Test): Promise<{ readonly harness: ControlHarness; readonly disk: Disk }> {
  const reached = Promise.withResolvers<undefined>();
  const disk: Disk = { hangs: false, reached: reached.promise };
  const harness = await ControlHarness.open(t);
  await harness.stopControl();
  await harness.startControl({
    definitions: (around: Surroundings) => {
      const { agents } = around;
      const call = agents.call.bind(agents);
      agents.call = async <Request, Response>(
        host: string,
        method: MethodEntry<Request, Response>,
        request: Request,
        options: AgentCallOptions,
      ): Promise<Response> => {
        if (!disk.hangs || host !== HUNG || !/(Grow|Shrink)Replica$/.test(method.path))
          return call(host, method, request, options);
        reached.resolve(undefined);
        await sleep(options.deadlineMs, undefined, { signal: options.signal });
        throw new LockstepError('DEADLINE_EXCEEDED', 'its disk hangs');
      };
      return definitionsOf(around);
    },
  });
  await harness.hostsHeard();
  return { harness, disk };
}

async function withVolume(harness: ControlHarness): Promise<void> {
  const request = { volumeId: 'scratch', sizeBytes: SIZE, zones: ['a', 'b'] };
  await harness.finished(await harness.call(service.createVolume, request));
}

/** Answers whether that is so soon enough. */
async function soon(isSo: () => Promise<boolean>): Promise<boolean> {
  const endMs = performance.now() + SOON_MS;
  while (!(await isSo())) {
    if (performance.now() > endMs) return false;
    await sleep(20);
  }
  return true;
}

const get = (harness: ControlHarness): Promise<Volume> =>
  harness.call(service.getVolume, { name: 'volumes/scratch' });
const grow = (harness: ControlHarness): Promise<Volume> =>
  harness.call(service.growVolume, { name: 'volumes/scratch', sizeBytes: 2n * SIZE });
const shrink = (harness: ControlHarness): Promise<Volume> =>
  harness.call(service.shrinkVolume, {
    name: 'volumes/scratch',
    sizeBytes: SIZE / 2n,
    acceptSmaller: true,
  });

for (const [what, resize] of [
  ['grows', grow],
  ['is made smaller', shrink],
] as const)
  t.test(`a primary that dies while its volume ${what} is failed over from`, async (t) => {
    const { harness, disk } = await withDisk(t);
    await withVolume(harness);
    disk.hangs = true;
    const resizing = resize(harness).catch((error: unknown) => error);
    await disk.reached;
    harness.a.die();
    const isFailedOver = async (): Promise<boolean> => (await get(harness)).primary === `hosts/${HUNG}`;
    t.ok(await soon(isFailedOver));
    t.match(await resizing, { message: /host-a fell silent/ });
  });

t.test('a primary that dies while its database grows is failed over from', async (t) => {
  const { harness, disk } = await withDisk(t);
  await harness.createOrders();
  disk.hangs = true;
  const name = 'databases/orders';
  const operation = await harness.call(databases.updateDatabase, {
    database: { ...(await harness.get()), sizeBytes: BigInt(512 * MIB) },
    updateMask: ['size_bytes'],
  });
  await disk.reached;
  harness.a.die();
  t.ok(await soon(async () => (await harness.get(name)).primary?.host === HUNG));
  t.match(await harness.finished(operation), { error: { message: /host-a fell silent/ } });
});

t.test('a replica outside the set is not waited for', async (t) => {
  const { harness, disk } = await withDisk(t);
  await withVolume(harness);
  harness.a.injectOnce('seedReplica', new LockstepError('FAILED_PRECONDITION', 'no'), 1000);
  harness.b.die();
  t.ok(await soon(async () => (await get(harness)).inSync.length === 1));
  await harness.b.comeBack();
  await harness.hostsHeard();
  disk.hangs = true;
  let grown: Volume | undefined;
  const isGrown = async (): Promise<boolean> => {
    // Refused while a reseed is tried, which fails.
    grown ??= await grow(harness).catch(() => undefined);
    return grown !== undefined;
  };
  t.ok(await soon(isGrown));
  await disk.reached;
  t.match(grown, { sizeBytes: 2n * SIZE, inSync: ['hosts/host-a'] });
  disk.hangs = false;
  harness.a.injections = [];
  t.ok(await soon(async () => (await get(harness)).inSync.length === 2));
  const sizes = [harness.a, harness.b].flatMap(({ replicas }) => [...replicas.values()]);
  t.same(
    sizes.map(({ sizeBytes }) => sizeBytes),
    [2n * SIZE, 2n * SIZE],
  );
});
