/** GrowVolume and ShrinkVolume asked for again, by a client that has not waited to the end: one resize, one answer. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { definitionsOf } from '../../../control/workflow/definitions/definitions.ts';
import type { Surroundings } from '../../../control/workflow/definitions/surroundings.ts';
import type { WorkflowDefinition, WorkflowState } from '../../../control/workflow/workflow.ts';
import { callUnary, methodOf, requestOf } from '../../../daemon/sys/grpc-unary.ts';
import {
  type Volume,
  VolumeServiceService as service,
} from '../../../proto/gen/lockstep/v1/volume_service.ts';
import { WorkflowServiceService } from '../../../proto/gen/lockstep/v1/workflow_service.ts';
import { ControlHarness, refusal } from '../../support/control-harness.ts';

const REGION = 65_536n;
const OLD = 16n * REGION;
const CALL_MS = 10_000;

/** Resizes wait for this before their last step. */
const waiting =
  (wait: () => Promise<unknown>) =>
  (around: Surroundings): readonly WorkflowDefinition<WorkflowState>[] =>
    definitionsOf(around).map((definition) => ({
      ...definition,
      steps: definition.steps.map((step) => ({
        ...step,
        async do(context) {
          if (step.name === 'write-size') {
            await Promise.race([wait(), once(context.signal, 'abort')]);
            context.signal.throwIfAborted();
          }
          return step.do(context);
        },
      })),
    }));

async function withVolume(t: Test, wait: () => Promise<unknown>): Promise<ControlHarness> {
  const harness = await ControlHarness.open(t);
  await harness.stopControl();
  await harness.startControl({ definitions: waiting(wait) });
  await harness.hostsHeard();
  const request = { volumeId: 'scratch', sizeBytes: OLD, zones: ['a', 'b'] };
  await harness.finished(await harness.call(service.createVolume, request));
  return harness;
}

type Resize = (harness: ControlHarness, sizeBytes: bigint, deadlineMs?: number) => Promise<Volume>;
const NAME = 'volumes/scratch';
const grow: Resize = ({ client }, sizeBytes, deadlineMs = CALL_MS) => {
  const request = requestOf(service.growVolume, { name: NAME, sizeBytes });
  return callUnary(methodOf(client, service.growVolume), request, { deadlineMs });
};
const shrink: Resize = ({ client }, sizeBytes, deadlineMs = CALL_MS) => {
  const request = requestOf(service.shrinkVolume, { name: NAME, sizeBytes, acceptSmaller: true });
  return callUnary(methodOf(client, service.shrinkVolume), request, { deadlineMs });
};

async function resizes(harness: ControlHarness): Promise<number> {
  const { workflows } = await harness.call(WorkflowServiceService.listWorkflows, {});
  return workflows.filter(({ type }) => type === 'resize-volume').length;
}

for (const [what, resize, size, other] of [
  ['grows', grow, 2n * OLD, 3n * OLD],
  ['is made smaller', shrink, REGION, 2n * REGION],
] as const)
  t.test(`who asks again while a volume ${what} is answered when it is done`, async (t) => {
    const gate = Promise.withResolvers<undefined>();
    const harness = await withVolume(t, () => gate.promise);
    t.match(await refusal(resize(harness, size, 300)), { code: 'DEADLINE_EXCEEDED' });
    const busy = { code: 'ABORTED', reason: 'DATABASE_BUSY' };
    t.match(await refusal(resize(harness, other)), busy, 'to another size');
    const again = resize(harness, size);
    await Promise.race([again, sleep(100)]);
    gate.resolve(undefined);
    t.match(await again, { sizeBytes: size, busyWith: '' });
    t.equal(await resizes(harness), 1);
  });

t.test('who asks again after a restart of control is answered when it is done', async (t) => {
  const reached = Promise.withResolvers<undefined>();
  const harness = await withVolume(t, () => {
    reached.resolve(undefined);
    return Promise.withResolvers().promise;
  });
  const first = grow(harness, 2n * OLD).catch(() => undefined);
  await reached.promise;
  await harness.stopControl();
  await first;
  await harness.startControl({ definitions: waiting(() => sleep(500)) });
  await harness.hostsHeard();
  t.match(await grow(harness, 2n * OLD), { sizeBytes: 2n * OLD, busyWith: '' });
  t.equal(await resizes(harness), 1);
});
