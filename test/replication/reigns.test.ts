/** What one process keeps from one part to the next: primary, fenced, copied to, secondary, primary again. */
import t from 'tap';
import type { Effect } from '../../daemon/replication/interface.ts';
import { REGION_BYTES } from '../../daemon/replication/units.ts';
import { completeState, hello, helloAnswer, Lone, sentOf } from '../support/harness/lone.ts';

const both = { generation: 5, primary: 'a', inSync: ['a', 'b'] };
const alone = { generation: 5, primary: 'b', inSync: ['b'] };
const rebooted = { ...completeState(both), bootId: 'the boot before' };

function write(lone: Lone, id: number, region = 0): Effect[] {
  const data = new Uint8Array(REGION_BYTES).fill(1);
  const request = { kind: 'write', offset: region * REGION_BYTES, data, fua: false } as const;
  return lone.step({ type: 'client', id, request });
}

const isAcknowledged = (effects: readonly Effect[]): boolean =>
  effects.some((effect) => effect.type === 'reply' && effect.result.ok);

/** Copies region 0 to `target` beside live writes; answers the link. */
function catchUp(lone: Lone, target: string, generation: number): number {
  lone.snapshot = { allocated: [], changed: [0] };
  const [dial] = lone.step({ type: 'seed', target, snapshot: 's' });
  const link = dial?.type === 'dial' ? dial.link : 0;
  lone.step({ type: 'link-opened', link, peer: target });
  lone.hear(link, helloAnswer(target, generation, { blank: true }));
  lone.step({ type: 'connect', target });
  return link;
}

/** b is made secondary of a, and then primary once more. */
function fenceAndPromote(lone: Lone, generation: number): void {
  lone.hear(1, hello('a', generation, 'join'));
  lone.hear(1, { type: 'copy-begin', generation });
  lone.hear(1, { type: 'candidate', generation, proposedGeneration: generation + 1, sequence: 0 });
  lone.hear(1, { type: 'view', generation: generation + 1, primary: 'a', inSync: ['a', 'b'] });
  const view = { generation: generation + 2, primary: 'b', inSync: ['b'] };
  lone.step({ type: 'view', view, explicit: true });
  lone.tick(1000);
}

t.test('what was stable in an earlier reign says nothing of the writes of the next', async (t) => {
  const lone = new Lone('b', completeState(alone));
  for (const id of [1, 2, 3]) write(lone, id);
  lone.step({ type: 'client', id: 4, request: { kind: 'flush' } });
  // The one that took over began to count anew, as a primary does whose process restarted while it was alone.
  fenceAndPromote(lone, 6);
  t.equal(lone.replica.state, 'SOLO');
  catchUp(lone, 'a', 8);
  t.match(sentOf(write(lone, 5, 1)), [{ type: 'write', sequence: 1, stableSequence: 0 }]);
});

t.test('bytes that a target never answered do not hold the writes of the next reign', async (t) => {
  const lone = new Lone('b', completeState(alone));
  const link = catchUp(lone, 'a', 5);
  let id = 0;
  while (isAcknowledged(write(lone, ++id, 1))) if (id > 1000) break;
  t.ok(id < 1000, 'a target that does not answer holds the writes at last');
  lone.hear(link, { type: 'copy-answer', region: 0, needed: false });
  fenceAndPromote(lone, 6);
  t.equal(lone.replica.state, 'SOLO');
  t.ok(isAcknowledged(write(lone, 5000)));
});

t.test('a primary whose machine restarted says so until it pulled, whatever view it hears', async (t) => {
  const lone = new Lone('a', rebooted);
  lone.step({ type: 'view', view: { ...both, generation: 6 }, explicit: false });
  t.ok(lone.replica.status.hostRebooted);
  t.equal(lone.persisted.at(-1)?.bootId, 'the boot before');
  lone.hear(lone.connect(), helloAnswer('b', 6, { unstableKnown: false }));
  const proposal = lone.tick(600).find((effect) => effect.type === 'propose');
  t.match(proposal, { fromGeneration: 6, inSync: ['a'], hostRebooted: true });
});

t.test('a primary whose machine restarted is whole again when it has pulled', async (t) => {
  const lone = new Lone('a', rebooted);
  const link = lone.connect();
  lone.hear(link, helloAnswer('b', 5));
  t.ok(lone.replica.status.hostRebooted);
  lone.hear(link, { type: 'pull-done', appliedSequence: 0 });
  t.equal(lone.replica.state, 'SERVING');
  t.notOk(lone.replica.status.hostRebooted);
});

t.test(
  'a secondary whose machine restarted says so until it was copied to, whatever view it hears',
  async (t) => {
    const lone = new Lone('b', rebooted);
    lone.step({ type: 'view', view: { ...both, generation: 6 }, explicit: false });
    t.equal(lone.replica.view.generation, 6);
    t.ok(lone.replica.status.hostRebooted);
    const candidate = new Lone('b', { ...rebooted, complete: false, candidateFor: 6 });
    candidate.hear(1, hello('a', 6, 'recover'));
    t.equal(candidate.replica.state, 'SECONDARY');
    t.ok(candidate.replica.status.hostRebooted);
  },
);

t.test(
  'a secondary whose disk failed is not resumed with: it would be told "done" of what is gone',
  async (t) => {
    const lone = new Lone('b', completeState(both));
    // In the set by this process.
    lone.hear(1, hello('a', 6, 'join'));
    lone.hear(1, { type: 'copy-begin', generation: 6 });
    lone.hear(1, { type: 'candidate', generation: 6, proposedGeneration: 7, sequence: 0 });
    lone.hear(1, { type: 'view', generation: 7, primary: 'a', inSync: ['a', 'b'] });
    const flush = { type: 'flush', generation: 7, flushId: 1 } as const;
    const [effect] = lone.replica.step(
      { type: 'frame', link: 1, message: flush, payload: undefined, intact: true },
      lone.nowMs,
    );
    const token = effect?.type === 'disk-flush' ? effect.token : 0;
    t.match(sentOf(lone.step({ type: 'disk-done', token, failure: 'EIO' })), [
      { type: 'refusal', reason: 'DISK' },
    ]);
    t.match(lone.hear(2, hello('a', 7, 'resume', { mine: 1, yours: 7 })), [
      { type: 'refusal', reason: 'DISK' },
    ]);
    t.match(lone.hear(3, hello('a', 7, 'recover')), [{ type: 'refusal', reason: 'DISK' }]);
    t.match(lone.hear(4, hello('a', 8, 'join')), [{ type: 'hello-answer' }], 'a copy makes it whole');
  },
);

t.test('a primary goes on without a secondary whose disk failed, rather than try it for ever', async (t) => {
  const lone = new Lone('a', completeState(both));
  const link = lone.connect();
  lone.hear(link, helloAnswer('b', 5));
  lone.hear(link, { type: 'pull-done', appliedSequence: 0 });
  write(lone, 1);
  lone.hear(link, { type: 'refusal', generation: 5, primary: 'a', reason: 'DISK', message: 'EIO' });
  t.equal(lone.replica.state, 'HOLDING');
  const effects = [...lone.tick(100), ...lone.tick(100), ...lone.tick(400)];
  t.notOk(effects.some((effect) => effect.type === 'dial'));
  t.match(
    effects.find((effect) => effect.type === 'propose'),
    { fromGeneration: 5, inSync: ['a'] },
  );
});

t.test(
  'a primary that asked for a target, and whose flush failed, leaves the volume to it if it was taken in',
  async (t) => {
    const before = completeState({ generation: 5, primary: 'a', inSync: ['a'] });
    const failed = { ...before, asking: 'b', flushFailedIn: before.bootId };
    const view = { generation: 6, primary: 'a', inSync: ['a', 'b'] };
    const lone = new Lone('a', failed);
    t.equal(lone.replica.state, 'RECOVERING');
    lone.step({ type: 'view', view, explicit: false });
    t.equal(lone.replica.state, 'FENCED');
    t.match(lone.store.durable, { view, complete: false });
    const refused = new Lone('a', failed);
    refused.step({ type: 'view', view: { ...view, inSync: ['a'] }, explicit: false });
    t.equal(refused.replica.state, 'SOLO', 'nobody has more than it has');
  },
);
