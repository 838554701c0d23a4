/** Three replicas: what a primary of a set needs of each member, and who tracks whom when one leaves it. */
import t from 'tap';
import type { Effect } from '../../daemon/replication/interface.ts';
import type { Message } from '../../daemon/replication/messages.ts';
import { REGION_BYTES } from '../../daemon/replication/units.ts';
import { completeState, hello, helloAnswer, Lone, repliesOf, sentOf } from '../support/harness/lone.ts';
import { grant, joined, serving } from '../support/harness/roles.ts';

const SILENCE_MS = 300;
const proposalIn = (effects: readonly Effect[]): Effect | undefined =>
  effects.find(({ type }) => type === 'propose');
const hears = (lone: Lone, link: number, message: Message): Effect[] =>
  lone.step({ type: 'frame', link, message, payload: undefined, intact: true });
const answered = (sequence: number) => ({ type: 'write-answer', appliedSequence: sequence }) as const;

function ofThree(): { lone: Lone; b: number; c: number } {
  const { lone, links } = serving(['b', 'c']);
  const [b = 0, c = 0] = links;
  return { lone, b, c };
}

/** The link to c is lost, and control consents to go on with b. */
function withoutC(lone: Lone, c: number): Effect[] {
  lone.step({ type: 'link-closed', link: c });
  return lone.step({
    type: 'view',
    view: { generation: 6, primary: 'a', inSync: ['a', 'b'] },
    explicit: false,
  });
}

t.test('a write is applied and acknowledged when every member answered', async (t) => {
  const { lone, b, c } = ofThree();
  t.strictSame(
    lone.write(1, 0).flatMap((effect) => (effect.type === 'send' ? [effect.link] : [])),
    [b, c],
  );
  t.strictSame(hears(lone, b, answered(1)), []);
  const effects = hears(lone, c, answered(1));
  t.match(effects[0], { type: 'disk-write' });
  t.strictSame(repliesOf(effects), [{ id: 1, ok: true }]);
});

t.test('a flush is acknowledged when every member flushed', async (t) => {
  const { lone, b, c } = ofThree();
  lone.client(1, { kind: 'flush' });
  t.strictSame(repliesOf(hears(lone, c, { type: 'flush-answer', flushId: 1 })), []);
  t.strictSame(repliesOf(hears(lone, b, { type: 'flush-answer', flushId: 1 })), [{ id: 1, ok: true }]);
});

t.test('a read needs the lease of every member', async (t) => {
  for (const missing of ['b', 'c'] as const) {
    const { lone, b, c } = ofThree();
    lone.nowMs += 1000;
    const links = { b, c };
    grant(lone, missing === 'b' ? [c] : [b]);
    t.equal(lone.replica.status.leaseLeftMs, 0);
    t.strictSame(repliesOf(lone.read(1, 0)), [], `without ${missing}`);
    t.match(
      repliesOf(
        hears(lone, links[missing], {
          type: 'heartbeat-answer',
          generation: 5,
          askedAtMs: lone.nowMs,
          leaseMs: 400,
        }),
      ),
      [{ id: 1, ok: true }],
    );
  }
});

t.test('with one member gone writes wait, and control is asked for the set without it', async (t) => {
  const { lone, b, c } = ofThree();
  lone.step({ type: 'link-closed', link: c });
  t.equal(lone.replica.state, 'HOLDING');
  t.strictSame(sentOf(lone.write(1, 0)), []);
  const until = lone.nowMs + SILENCE_MS;
  while (lone.nowMs < until - 20) t.notOk(proposalIn(lone.tick(20)), 'not at once');
  grant(lone, [b]);
  t.match(proposalIn([...lone.tick(20), ...lone.tick(20)]), { fromGeneration: 5, inSync: ['a', 'b'] });
  t.strictSame(repliesOf(lone.tick(5000)), [], 'and nothing is done before it consents');
});

t.test('the member that stays is told of the set without the other, and both serve on', async (t) => {
  const { lone, b, c } = ofThree();
  lone.write(1, 1);
  hears(lone, b, answered(1));
  const effects = withoutC(lone, c);
  t.equal(lone.replica.state, 'SERVING');
  t.match(sentOf(effects)[0], { type: 'view', generation: 6, primary: 'a', inSync: ['a', 'b'] });
  t.strictSame(repliesOf(effects), [{ id: 1, ok: true }], 'what waited for the other goes on');
  t.match(sentOf(lone.write(2, 0)), [{ type: 'write', generation: 6 }]);
});

t.test('its map begins with what may differ, and with nothing else', async (t) => {
  const { lone, b, c } = ofThree();
  lone.write(1, 0);
  for (const link of [b, c]) hears(lone, link, answered(1));
  lone.client(2, { kind: 'flush' });
  for (const link of [b, c]) hears(lone, link, { type: 'flush-answer', flushId: 1 });
  lone.write(3, 1);
  for (const link of [b, c]) hears(lone, link, answered(2));
  // In flight: c may have it or not.
  lone.write(4, 2);
  withoutC(lone, c);
  t.strictSame(lone.dirtyOf('c'), [1, 2]);
  t.match(lone.store.durable.tracked, [
    { host: 'c', since: 5, until: 5, covers: true, copying: 0, compare: false },
  ]);
  t.notOk(lone.store.maps.has('b'));
});

t.test('while one is outside the set each write marks what it lacks first', async (t) => {
  const { lone, b, c } = ofThree();
  withoutC(lone, c);
  lone.hold('persist');
  t.strictSame(sentOf(lone.write(1, 3)), [], 'or b would hold what nobody knows that c lacks');
  t.match(sentOf(lone.answer('persist')), [{ type: 'write' }]);
  t.strictSame(lone.dirtyOf('c'), [3]);
  t.match(hears(lone, b, answered(1))[0], { type: 'disk-write' });
});

t.test('a member that was taken in and never heard of again is asked for its own changes', async (t) => {
  const lone = new Lone('a', completeState({ generation: 5, primary: 'a', inSync: ['a', 'b', 'c'] }));
  const b = lone.connect('b');
  lone.hear(b, helloAnswer('b', 5));
  lone.tick(SILENCE_MS);
  lone.hear(b, { type: 'pull-done', appliedSequence: 0 });
  t.equal(lone.replica.state, 'HOLDING');
  lone.step({ type: 'view', view: { generation: 6, primary: 'a', inSync: ['a', 'b'] }, explicit: false });
  t.match(lone.store.durable.tracked, [{ host: 'c', since: 5, until: 5, covers: false }]);
});

/** Primary of three whose process restarted: b applied up to `b`, c up to `c`. */
function restarted(b: number, c: number): { lone: Lone; b: number; c: number; effects: Effect[] } {
  const lone = new Lone('a', completeState({ generation: 5, primary: 'a', inSync: ['a', 'b', 'c'] }));
  const links = { b: lone.connect('b'), c: lone.connect('c') };
  const first = hears(lone, links.b, helloAnswer('b', 5, { appliedSequence: b }));
  t.strictSame(sentOf(first), [], 'not before all were heard');
  const effects = hears(lone, links.c, helloAnswer('c', 5, { appliedSequence: c }));
  return { lone, ...links, effects };
}

t.test('a primary that restarted pulls from the member that applied most', async (t) => {
  for (const [b, c] of [
    [3, 5],
    [5, 3],
  ] as const) {
    const { effects, ...links } = restarted(b, c);
    t.match(effects, [
      { type: 'persist', durable: { pulledFrom: b > c ? 'b' : 'c' } },
      { type: 'send', link: b > c ? links.b : links.c, message: { type: 'pull' } },
    ]);
  }
});

t.test('whoever may lack what was pulled before another restart is not pulled from', async (t) => {
  const durable = { ...completeState({ generation: 6, primary: 'a', inSync: ['a', 'c'] }), pulledFrom: 'b' };
  const lone = new Lone('a', durable);
  const c = lone.connect('c');
  const effects = hears(lone, c, helloAnswer('c', 6, { appliedSequence: 5 }));
  t.ok(effects.some((effect) => effect.type === 'close-link' && effect.link === c));
  t.strictSame(sentOf(effects), []);
  t.match(proposalIn(lone.tick(SILENCE_MS)), { fromGeneration: 6, inSync: ['a'] });
});

t.test('a member that applied less is not equal: it is gone on without, when control says so', async (t) => {
  const { lone, b, c } = restarted(3, 5);
  const payload = new Uint8Array(REGION_BYTES);
  lone.step({
    type: 'frame',
    link: c,
    message: { type: 'pull-region', region: 1 },
    payload,
    intact: true,
  });
  const effects = hears(lone, c, { type: 'pull-done', appliedSequence: 5 });
  t.ok(effects.some((effect) => effect.type === 'close-link' && effect.link === b));
  t.equal(lone.replica.state, 'HOLDING');
  t.match(proposalIn(lone.tick(20)), { fromGeneration: 5, inSync: ['a', 'c'] });
  lone.step({ type: 'view', view: { generation: 6, primary: 'a', inSync: ['a', 'c'] }, explicit: false });
  t.equal(lone.replica.state, 'SERVING');
  t.strictSame(lone.dirtyOf('b'), [1], 'what was pulled b may lack');
});

t.test('members that applied the same both stay', async (t) => {
  const { lone, b } = restarted(5, 5);
  hears(lone, b, { type: 'pull-done', appliedSequence: 5 });
  t.equal(lone.replica.state, 'SERVING');
});

t.test('a member that does not come is not waited for without end', async (t) => {
  const lone = new Lone('a', completeState({ generation: 5, primary: 'a', inSync: ['a', 'b', 'c'] }));
  const b = lone.connect('b');
  t.strictSame(sentOf(hears(lone, b, helloAnswer('b', 5))), []);
  t.match(
    sentOf(lone.tick(SILENCE_MS)).filter(({ type }) => type === 'pull'),
    [{ type: 'pull' }],
  );
});

t.test('a replica promoted alone tracks the others of its set by what it holds unstable', async (t) => {
  const lone = joined(['a', 'b', 'c']);
  const write = { type: 'write', generation: 6, length: 512, kind: 'trim' } as const;
  lone.hear(1, { ...write, sequence: 1, offset: 0, stableSequence: 0 });
  lone.hear(1, { ...write, sequence: 2, offset: 2 * REGION_BYTES, stableSequence: 1 });
  lone.step({ type: 'view', view: { generation: 7, primary: 'b', inSync: ['b'] }, explicit: true });
  const entry = { since: 6, until: 6, copying: 0, compare: false };
  // The old primary may have pulled from c what this replica never got.
  t.strictSame(lone.store.durable.tracked, [
    { host: 'a', ...entry, covers: false },
    { host: 'c', ...entry, covers: false },
  ]);
  t.strictSame([lone.dirtyOf('a'), lone.dirtyOf('c')], [[2], [2]]);
  const ofTwo = joined(['a', 'b']);
  ofTwo.step({ type: 'view', view: { generation: 7, primary: 'b', inSync: ['b'] }, explicit: true });
  t.strictSame(ofTwo.store.durable.tracked, [{ host: 'a', ...entry, covers: true }]);
});

t.test('one whose process did not take part in all of it tracks nobody: they are compared', async (t) => {
  const lone = new Lone('b', completeState({ generation: 6, primary: 'a', inSync: ['a', 'b', 'c'] }));
  lone.step({ type: 'view', view: { generation: 7, primary: 'b', inSync: ['b'] }, explicit: true });
  t.strictSame(lone.store.durable.tracked, []);
});

t.test('a secondary takes the set without another from its primary, in the stream', async (t) => {
  const lone = joined(['a', 'b', 'c']);
  t.match(lone.hear(1, { type: 'view', generation: 7, primary: 'a', inSync: ['a', 'b'] }), [
    { type: 'view-answer', generation: 7 },
  ]);
  t.match(lone.store.durable, { view: { generation: 7 }, complete: true, consistentAt: 7 });
  t.match(lone.hear(1, { type: 'view', generation: 9, primary: 'a', inSync: ['a', 'b'] }), [
    { type: 'refusal', reason: 'STATE' },
  ]);
  t.match(joined().hear(1, { type: 'view', generation: 7, primary: 'a', inSync: ['a', 'c'] }), [
    { type: 'refusal', reason: 'STATE' },
  ]);
});

t.test('a secondary whose link broke before it heard of the next set takes it from the hello', async (t) => {
  const lone = joined(['a', 'b', 'c']);
  const next = { ...hello('a', 7, 'resume', { mine: 1, yours: 7 }), inSync: ['a', 'b'] } as Message;
  t.match(lone.hear(2, next), [{ type: 'hello-answer', generation: 7 }]);
  t.match(lone.store.durable.view, { generation: 7, inSync: ['a', 'b'] });
  const without = { ...hello('a', 7, 'resume', { mine: 1, yours: 7 }), inSync: ['a', 'c'] } as Message;
  t.match(joined(['a', 'b', 'c']).hear(2, without), [{ type: 'refusal', reason: 'STATE' }]);
});

/** Secondary b of a set of three, which has applied write 1 and holds the second on its way to the disk. */
function withWriteUnderWay(): Lone {
  const lone = joined(['a', 'b', 'c']);
  const write = {
    type: 'write',
    generation: 6,
    offset: 0,
    length: 512,
    kind: 'data',
    stableSequence: 0,
  } as const;
  lone.hear(1, { ...write, sequence: 1 }, new Uint8Array(512));
  lone.hold('disk-write');
  lone.hear(1, { ...write, sequence: 2 }, new Uint8Array(512));
  return lone;
}

const recovers = (lone: Lone): Message[] => {
  lone.step({ type: 'link-closed', link: 1 });
  return lone.hear(2, { ...hello('a', 6, 'recover'), inSync: ['a', 'b', 'c'] } as Message);
};

t.test('one that recovers is told what is applied once no write is under way', async (t) => {
  const lone = withWriteUnderWay();
  t.strictSame(recovers(lone), []);
  t.match(sentOf(lone.answer('disk-write')), [
    { type: 'hello-answer', appliedSequence: 2, unstableKnown: true },
  ]);
});

t.test('a member whose disk failed a write halfway is not taken for equal to one without it', async (t) => {
  const lone = withWriteUnderWay();
  lone.answer('disk-write', { failure: 'ENOSPC' });
  t.match(recovers(lone), [{ type: 'hello-answer', appliedSequence: 1, unstableKnown: false }]);
});
