/** What a target keeps of itself from before a copy: kept before it is destroyed, given up when the copy is whole. */
import t from 'tap';
import type { Effect } from '../../daemon/replication/interface.ts';
import type { Message } from '../../daemon/replication/messages.ts';
import type { Region } from '../../daemon/replication/units.ts';
import { blankState, hello, Lone, sentOf } from '../support/harness/lone.ts';
import { bitmap, mapOfB, staleCopy, target } from '../support/harness/roles.ts';

const copy = (region: Region): Message => ({ type: 'copy-zero', generation: 5, region });
const write = (sequence: number, offset: number, length: number): Message => ({
  type: 'write',
  generation: 5,
  sequence,
  offset,
  length,
  kind: 'trim',
  stableSequence: 0,
});
const hears = (lone: Lone, message: Message): Effect[] =>
  lone.step({ type: 'frame', link: 1, message, payload: undefined, intact: true });
const preservedIn = (effects: readonly Effect[]): (readonly Region[])[] =>
  effects.flatMap((effect) => (effect.type === 'preserve' ? [effect.regions] : []));
const typesOf = (effects: readonly Effect[]): string[] => effects.map(({ type }) => type);

t.test('what a region held is kept, on stable storage, before the copy changes it', async (t) => {
  const lone = target();
  lone.hold('preserve');
  t.match(hears(lone, copy(2)), [{ type: 'preserve', regions: [2] }]);
  t.match(lone.answer('preserve')[0], { type: 'disk-write', offset: 2 * 65_536 });
});

t.test('a region is kept once', async (t) => {
  const lone = target();
  hears(lone, copy(2));
  t.strictSame(preservedIn(hears(lone, copy(2))), []);
  t.strictSame(preservedIn(hears(lone, write(1, 2 * 65_536, 512))), []);
});

t.test('a live write has every region kept that it touches', async (t) => {
  const effects = hears(target(), write(1, 65_536 - 512, 1024));
  t.strictSame(preservedIn(effects), [[0, 1]]);
  t.ok(typesOf(effects).indexOf('preserve') < typesOf(effects).indexOf('disk-write'));
});

t.test('what arrives while one trip to the disk is made shares the next', async (t) => {
  const lone = target();
  hears(lone, copy(1));
  lone.hold('preserve');
  hears(lone, copy(0));
  for (const region of [2, 1, 3]) t.strictSame(hears(lone, copy(region)), []);
  t.strictSame(preservedIn(lone.answer('preserve')), [[2, 3]], 'what was kept before is not kept again');
  t.strictSame(
    typesOf(lone.answer('preserve')).filter((type) => type === 'disk-write'),
    ['disk-write', 'disk-write', 'disk-write'],
  );
});

t.test('a comparison destroys nothing and keeps nothing', async (t) => {
  const effects = hears(target(), {
    type: 'copy-offer',
    generation: 5,
    region: 1,
    digest: new Uint8Array(32),
  });
  t.strictSame(typesOf(effects), ['read-region', 'send']);
});

t.test('until the source says that the copy begins, the target is not a mixture', async (t) => {
  const lone = staleCopy();
  lone.hear(1, hello('a', 5, 'join'));
  t.notOk(lone.store.durable.mixed);
  t.strictSame(lone.store.durable.copyFrom, { host: '', generation: 0 });
  t.match(lone.hear(1, copy(0)), [{ type: 'refusal', reason: 'MALFORMED' }]);
  t.equal(lone.persisted.at(-1)?.mixed, false);
});

t.test('that it is a mixture is durable before anything of the copy is taken', async (t) => {
  const lone = staleCopy();
  lone.hear(1, hello('a', 5, 'join'));
  lone.hold('persist');
  hears(lone, { type: 'copy-begin', generation: 5 });
  t.strictSame(hears(lone, copy(0)), []);
  t.match(lone.persisted.at(-1), {
    mixed: true,
    consistentAt: 4,
    copyFrom: { host: 'a', generation: 5 },
    tracked: [],
  });
  t.match(lone.answer('persist'), [{ type: 'preserve' }, { type: 'disk-write' }, {}]);
});

t.test(
  'a fallback that was left over is dropped before a copy begins, that of a broken copy is not',
  async (t) => {
    const lone = staleCopy();
    lone.hear(1, hello('a', 5, 'join'));
    const effects = hears(lone, { type: 'copy-begin', generation: 5 });
    t.strictSame(typesOf(effects), ['drop-fallback', 'persist']);

    const again = new Lone('b', target().store.durable, { preserved: [1] });
    again.hear(1, hello('a', 5, 'join'));
    t.strictSame(typesOf(hears(again, { type: 'copy-begin', generation: 5 })), ['persist']);
    t.strictSame(preservedIn(hears(again, copy(1))), [], 'kept by the process before');
    t.strictSame(preservedIn(hears(again, copy(2))), [[2]]);
  },
);

t.test('what a process finds that was kept for a copy that is whole says nothing of the next', async (t) => {
  const lone = new Lone('b', staleCopy().store.durable, { preserved: [1] });
  const answer = hears(lone, hello('a', 5, 'join')).find(({ type }) => type === 'send');
  t.match(answer, { message: { type: 'hello-answer' } });
  t.notOk(answer !== undefined && 'payload' in answer, 'it changed nothing');
  hears(lone, { type: 'copy-begin', generation: 5 });
  t.strictSame(preservedIn(hears(lone, copy(1))), [[1]]);
});

t.test('a target that never held anything whole keeps nothing', async (t) => {
  const blank = new Lone('b', blankState);
  blank.hear(1, hello('a', 5, 'join'));
  hears(blank, { type: 'copy-begin', generation: 5 });
  for (const lone of [blank, target({ consistentAt: 0 })])
    t.strictSame(preservedIn(hears(lone, copy(0))), []);
});

t.test('a fallback for which there is no room is given up, durably before it is dropped', async (t) => {
  const lone = target();
  hears(lone, copy(1));
  lone.hold('preserve');
  lone.hold('persist');
  hears(lone, copy(2));
  t.match(lone.answer('preserve', { failure: 'ENOSPC' }), [
    { type: 'persist', durable: { consistentAt: 0, mixed: true } },
  ]);
  t.match(lone.replica.status.reason, /cannot be kept: ENOSPC/);
  t.match(lone.answer('persist'), [{ type: 'drop-fallback' }, { type: 'disk-write' }, { type: 'send' }]);
  t.strictSame(typesOf(hears(lone, copy(3))), ['disk-write', 'send'], 'and the copy goes on without');
});

t.test('a candidate holds more than its fallback: it is dropped once that is durable', async (t) => {
  const lone = target();
  hears(lone, copy(1));
  lone.hold('persist');
  hears(lone, { type: 'candidate', generation: 5, proposedGeneration: 6, sequence: 0 });
  t.match(lone.persisted.at(-1), { mixed: false, consistentAt: 5, candidateFor: 6 });
  t.match(lone.answer('persist'), [
    { type: 'drop-fallback' },
    { type: 'send', message: { type: 'candidate-answer' } },
  ]);
  t.strictSame(preservedIn(hears(lone, copy(1))), []);
});

t.test('a target tells what it wrote since it was whole, what a broken copy changed among it', async (t) => {
  const lone = new Lone('b', target().store.durable, { preserved: [0, 3] });
  const [effect] = lone
    .step({ type: 'frame', link: 1, message: hello('a', 6, 'join'), payload: undefined, intact: true })
    .filter((effect) => effect.type === 'send');
  t.match(effect, {
    message: { type: 'hello-answer', consistentAt: 4, copyingSince: 5, changesKnown: false },
    payload: Buffer.from([0b1001]),
  });
});

t.test('a map that it kept as a primary is told, and forgotten when the source has it', async (t) => {
  const durable = { ...staleCopy().store.durable, tracked: [{ ...mapOfB, host: 'a' }] };
  const maps = new Map([['a', [{ at: 0, bits: bitmap([2]) }]]]);
  const lone = new Lone('b', durable, { maps });
  const answer = hears(lone, hello('a', 6, 'join')).find(({ type }) => type === 'send');
  t.match(answer, { message: { changesKnown: true }, payload: Buffer.from([0b100]) });
  t.strictSame(lone.dirtyOf('a'), [2], 'until the source has it on stable storage');
  hears(lone, { type: 'copy-begin', generation: 6 });
  t.strictSame(lone.dirtyOf('a'), []);
  t.strictSame(lone.store.durable.tracked, []);
});

t.test('what it wrote in a copy that goes on is told after a cut', async (t) => {
  const lone = target({ consistentAt: 0 });
  hears(lone, write(1, 65_536, 512));
  const effects = lone.step({
    type: 'frame',
    link: 2,
    message: hello('a', 5, 'join'),
    payload: undefined,
    intact: true,
  });
  t.match(sentOf(effects), [{ copyingSince: 5, changesKnown: true }]);
  t.match(
    effects.find((effect) => effect.type === 'send'),
    { payload: Buffer.from([0b10]) },
  );
});

t.test('the copy of another primary is not taken for the one that broke off', async (t) => {
  const lone = new Lone('b', target().store.durable);
  t.match(lone.hear(1, hello('c', 6, 'join')), [{ copyingSince: 0 }]);
});
