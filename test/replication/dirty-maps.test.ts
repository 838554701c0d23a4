/** The dirty map of a replica outside the set, seen from outside a primary: marks go before data, clears after flushes. */
import t from 'tap';
import type { Effect } from '../../daemon/replication/interface.ts';
import { Core } from '../../daemon/replication/core.ts';
import { DirtyMaps } from '../../daemon/replication/dirty.ts';
import { blankState, Lone, repliesOf, sentOf, SIZE_BYTES } from '../support/harness/lone.ts';
import { TIMING } from '../support/harness/world.ts';
import { assert } from '../../daemon/sys/errors.ts';
import { beginCopy, copiesIn, mapOfB, solo } from '../support/harness/roles.ts';

const writesOf = (effects: readonly Effect[]): number[] =>
  effects.flatMap((effect) => (effect.type === 'disk-write' ? [effect.offset / 65_536] : []));
const has = (effects: readonly Effect[], type: Effect['type']): boolean =>
  effects.some((effect) => effect.type === type);

t.test('a write to a region that is clean is begun when its mark is durable', async (t) => {
  const lone = solo();
  lone.hold('persist');
  const effects = lone.write(1, 2);
  t.match(
    effects.find((effect) => effect.type === 'persist'),
    { maps: [{ host: 'b', anew: false, chunks: [{ at: 0 }] }] },
  );
  t.strictSame(writesOf(effects), []);
  t.strictSame(repliesOf(effects), []);
  const after = lone.answer('persist');
  t.strictSame(lone.dirtyOf('b'), [2]);
  t.strictSame(writesOf(after), [2]);
  t.strictSame(repliesOf(after), [{ id: 1, ok: true }]);
});

t.test('a region pays for its mark once', async (t) => {
  const lone = solo([3]);
  lone.hold('persist');
  t.strictSame(writesOf(lone.write(1, 3)), [3]);
  lone.write(2, 2);
  lone.answer('persist');
  const again = lone.write(3, 2);
  t.notOk(has(again, 'persist'));
  t.strictSame(writesOf(again), [2]);
});

t.test('a region that is cleared and marked again waits for the second mark', async (t) => {
  const options = { volume: 'v', sizeBytes: SIZE_BYTES, host: 'a', incarnation: 1, bootId: '', ...TIMING };
  const core = new Core(options, { ...blankState, tracked: [mapOfB] }, 'SOLO');
  const dirty = new DirtyMaps(core, new Map());
  const range = { offset: 0, length: 512 };
  dirty.mark(range);
  dirty.clear('b', [0]);
  dirty.mark(range);
  core.complete({ type: 'persisted', token: 1 });
  t.notOk(dirty.isMarked(range));
  core.complete({ type: 'persisted', token: 2 });
  t.ok(dirty.isMarked(range));
});

t.test('every region that a write touches is marked', async (t) => {
  const lone = solo();
  lone.client(1, { kind: 'trim', offset: 65_536 - 512, length: 65_536 + 1024, fua: false });
  t.strictSame(lone.dirtyOf('b'), [0, 1, 2]);
});

t.test('marks that come while one is under way go out together after it', async (t) => {
  const lone = solo();
  lone.hold('persist');
  lone.write(1, 0);
  t.notOk(has([...lone.write(2, 1), ...lone.write(3, 3)], 'persist'));
  const first = lone.answer('persist');
  t.strictSame(writesOf(first), [0]);
  t.equal(first.filter(({ type }) => type === 'persist').length, 1);
  const second = lone.answer('persist');
  t.strictSame(lone.dirtyOf('b'), [0, 1, 3]);
  t.strictSame(writesOf(second), [1, 3]);
  t.notOk(has(second, 'persist'));
});

t.test('a region that is marked anew in a second map waits for that mark too', async (t) => {
  const two = { ...mapOfB, host: 'c' };
  const { durable } = solo().store;
  const lone = new Lone('a', { ...durable, tracked: [mapOfB, two] });
  lone.hold('persist');
  lone.write(1, 1);
  const after = lone.answer('persist');
  t.strictSame([lone.dirtyOf('b'), lone.dirtyOf('c')], [[1], [1]]);
  t.strictSame(writesOf(after), [1]);
});

t.test('a map that is replaced lets go what waited for it, once that is durable', async (t) => {
  const lone = solo();
  lone.hold('persist');
  lone.write(1, 0);
  lone.write(2, 1);
  // The union with what the target changed takes the place of the map while the first mark is under way.
  beginCopy(lone, {}, { changes: [3] });
  t.strictSame(writesOf(lone.answer('persist')), [0]);
  lone.answer('persist');
  t.strictSame(lone.dirtyOf('b'), [0, 1, 3]);
  t.strictSame(writesOf(lone.answer('persist')), [1]);
});

t.test('a process that starts goes on with the map that it finds', async (t) => {
  const before = solo([1]);
  before.write(1, 3);
  const { durable, maps } = before.store.kept([]);
  const lone = new Lone('a', durable, { maps });
  t.match(lone.replica.status.dirty, [{ host: 'b', dirtyBytes: 2 * 65_536, isKnown: true }]);
  t.notOk(has([...lone.write(1, 1), ...lone.write(2, 3)], 'persist'));
  lone.write(3, 0);
  t.strictSame(lone.dirtyOf('b'), [0, 1, 3], 'a chunk keeps the marks that it had');
});

t.test('without a replica outside the set nothing is marked', async (t) => {
  const lone = new Lone('a', { ...solo().store.durable, tracked: [] });
  t.notOk(has(lone.write(1, 1), 'persist'));
});

/** Regions 0 to 2 are being copied to b: all were sent, none is answered, and long enough ago for a flush. */
function copying(): { lone: Lone; link: number } {
  const lone = solo([0, 1, 2]);
  const { link } = beginCopy(lone);
  const sent = [...lone.step({ type: 'connect', target: 'b' }), ...lone.tick(20)];
  assert(copiesIn(sent).length === 3, 'all regions are sent at once');
  lone.hold('disk-flush');
  return { lone, link };
}
const answered = (region: number) => ({ type: 'copy-answer', region, needed: false }) as const;
const LATER_MS = 2500;

t.test('a region is clean when both sides flushed after it was copied, not before', async (t) => {
  for (const first of ['here', 'there']) {
    const { lone, link } = copying();
    lone.nowMs += LATER_MS;
    const [flush] = lone.hear(link, answered(0));
    t.match(flush, { type: 'flush' });
    const flushId = flush?.type === 'flush' ? flush.flushId : 0;
    const steps = [() => lone.answer('disk-flush'), () => lone.hear(link, { type: 'flush-answer', flushId })];
    if (first === 'there') steps.reverse();
    steps[0]?.();
    t.strictSame(lone.dirtyOf('b'), [0, 1, 2], `flushed ${first} only`);
    steps[1]?.();
    t.strictSame(lone.dirtyOf('b'), [1, 2]);
  }
});

t.test('a region that the target has not answered stays dirty whatever is flushed', async (t) => {
  const { lone, link } = copying();
  lone.nowMs += LATER_MS;
  const [flush] = lone.hear(link, answered(1));
  lone.hear(link, answered(0));
  lone.answer('disk-flush');
  lone.hear(link, { type: 'flush-answer', flushId: flush?.type === 'flush' ? flush.flushId : 0 });
  t.strictSame(lone.dirtyOf('b'), [0, 2], 'what was answered after the flush began waits for the next');
});

t.test('a flush that fails clears nothing', async (t) => {
  const { lone, link } = copying();
  lone.nowMs += LATER_MS;
  const [flush] = lone.hear(link, answered(0));
  lone.answer('disk-flush', { failure: 'EIO' });
  lone.hear(link, { type: 'flush-answer', flushId: flush?.type === 'flush' ? flush.flushId : 0 });
  t.strictSame(lone.dirtyOf('b'), [0, 1, 2]);
});

t.test('a region that is written between its copy and the flush stays dirty', async (t) => {
  for (const when of ['before the flush', 'during the flush']) {
    const { lone, link } = copying();
    if (when === 'before the flush') {
      lone.hear(link, answered(0));
      lone.write(1, 0);
    }
    lone.nowMs += LATER_MS;
    const [flush] = lone.hear(link, answered(when === 'before the flush' ? 1 : 0));
    t.match(flush, { type: 'flush' });
    if (when === 'during the flush') lone.write(1, 0);
    lone.answer('disk-flush');
    lone.hear(link, { type: 'flush-answer', flushId: flush?.type === 'flush' ? flush.flushId : 0 });
    t.ok(lone.dirtyOf('b').includes(0), when);
    t.equal(lone.dirtyOf('b').includes(1), when !== 'before the flush', 'the other one is clean');
  }
});

t.test('a region whose write was sent behind its copy, and is not written here, stays dirty', async (t) => {
  const { lone, link } = copying();
  lone.hold('disk-write');
  lone.write(1, 3);
  // In flight behind the other: the target may flush it, this side does not.
  t.match(sentOf(lone.write(2, 0)), [{ type: 'write' }]);
  lone.nowMs += LATER_MS;
  const [flush] = lone.hear(link, answered(0));
  lone.answer('disk-flush');
  lone.hear(link, { type: 'flush-answer', flushId: flush?.type === 'flush' ? flush.flushId : 0 });
  t.ok(lone.dirtyOf('b').includes(0));
});

t.test('a flush that ends after its copy ended clears nothing', async (t) => {
  const { lone, link } = copying();
  lone.nowMs += LATER_MS;
  const [flush] = lone.hear(link, answered(0));
  lone.hear(link, { type: 'flush-answer', flushId: flush?.type === 'flush' ? flush.flushId : 0 });
  lone.step({ type: 'link-closed', link });
  lone.write(1, 0);
  lone.answer('disk-flush');
  t.strictSame(lone.dirtyOf('b'), [0, 1, 2]);
});

t.test('a target is sent a write when its mark is durable, in order, and not before', async (t) => {
  const { lone } = copying();
  lone.hold('persist');
  t.strictSame(sentOf(lone.write(1, 3)), []);
  t.strictSame(sentOf(lone.write(2, 0)), [], 'one that is marked stays behind one that is not');
  t.match(sentOf(lone.answer('persist')), [
    { type: 'write', sequence: 1 },
    { type: 'write', sequence: 2 },
  ]);
  t.ok(lone.dirtyOf('b').includes(3));
});

t.test('a copy that is done leaves no map of the member', async (t) => {
  const { lone, link } = copying();
  for (const region of [0, 1, 2]) lone.hear(link, answered(region));
  lone.tick(20);
  // The target alone first: what was copied is on its disk before any client waits for it.
  lone.hear(link, { type: 'flush-answer', flushId: 1 });
  lone.answer('disk-flush');
  lone.hear(link, { type: 'flush-answer', flushId: 2 });
  t.match(lone.hear(link, { type: 'candidate-answer', proposedGeneration: 6 }), []);
  t.strictSame(lone.dirtyOf('b'), [0, 1, 2], 'until control says so');
  const view = { generation: 6, primary: 'a', inSync: ['a', 'b'] };
  t.match(sentOf(lone.step({ type: 'view', view, explicit: false }))[0], { type: 'view', generation: 6 });
  t.equal(lone.replica.state, 'SERVING');
  t.equal(lone.store.maps.has('b'), false);
  t.strictSame(lone.store.durable.tracked, []);
});
