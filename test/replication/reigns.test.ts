/** What one process keeps from one part to the next: primary, fenced, copied to, secondary, primary again. */
import t from 'tap';
import type { Effect } from '../../daemon/replication/interface.ts';
import { REGION_BYTES } from '../../daemon/replication/units.ts';
import { completeState, hello, helloAnswer, Lone, sentOf } from '../support/harness/lone.ts';

const alone = { generation: 5, primary: 'b', inSync: ['b'] };

function write(lone: Lone, id: number, region = 0): Effect[] {
  const data = new Uint8Array(REGION_BYTES).fill(1);
  const request = { kind: 'write', offset: region * REGION_BYTES, data, fua: false } as const;
  return lone.step({ type: 'client', id, request });
}

const isAcknowledged = (effects: readonly Effect[]): boolean =>
  effects.some((effect) => effect.type === 'reply' && effect.result.ok);

/** Copies region 0 to `target` beside live writes; answers the link. */
function catchUp(lone: Lone, target: string, generation: number): number {
  const [dial] = lone.step({ type: 'seed', target, allocated: [] });
  const link = dial?.type === 'dial' ? dial.link : 0;
  lone.step({ type: 'link-opened', link, peer: target });
  lone.hear(link, helloAnswer(target, generation, { blank: true }));
  lone.step({ type: 'connect', target, changed: [0] });
  return link;
}

/** b is made secondary of a, and then primary once more. */
function fenceAndPromote(lone: Lone, generation: number): void {
  lone.hear(1, hello('a', generation, 'join'));
  lone.hear(1, { type: 'candidate', generation, proposedGeneration: generation + 1 });
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
