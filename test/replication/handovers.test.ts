/** A planned handover: the one that steps down says so, so that the one promoted has no lease to wait out. */
import t from 'tap';
import type { Effect } from '../../daemon/replication/interface.ts';
import type { Message } from '../../daemon/replication/messages.ts';
import { helloAnswer, type Lone, repliesOf, sentOf } from '../support/harness/lone.ts';
import { grant, joined, serving } from '../support/harness/roles.ts';

const LEASE_MS = 400;
const promotion = {
  type: 'view',
  view: { generation: 7, primary: 'b', inSync: ['b'] },
  explicit: true,
} as const;
const heartbeat: Message = { type: 'heartbeat', generation: 6, askedAtMs: 1, stableSequence: 0 };
const typesOf = (effects: readonly Effect[]): string[] => effects.map(({ type }) => type);

/** A secondary of generation 6 that has just granted a lease; that which it had when its process began is over. */
function grantor(): Lone {
  const lone = joined();
  lone.nowMs += 5000;
  lone.hear(1, heartbeat);
  return lone;
}

t.test('a secondary whose primary yielded serves as soon as it is promoted', async (t) => {
  const lone = grantor();
  lone.hear(1, { type: 'yield', generation: 6 });
  lone.step(promotion);
  t.equal(lone.replica.state, 'SOLO');
  t.ok(lone.store.durable.complete);
});

t.test('one whose primary did not waits for the end of its lease, to the millisecond', async (t) => {
  const lone = grantor();
  lone.step(promotion);
  lone.tick(LEASE_MS - 1);
  t.equal(lone.replica.state, 'PROMOTING');
  lone.tick(1);
  t.equal(lone.replica.state, 'SOLO');
});

t.test('what is granted after a yield has to be waited out again', async (t) => {
  const lone = grantor();
  lone.hear(1, { type: 'yield', generation: 6 });
  lone.hear(1, heartbeat);
  lone.step(promotion);
  t.equal(lone.replica.state, 'PROMOTING');
});

t.test('a yield of another generation, or of nobody that it follows, ends no lease', async (t) => {
  const lone = grantor();
  t.match(lone.hear(1, { type: 'yield', generation: 5 }), [{ type: 'refusal', reason: 'GENERATION' }]);
  lone.step(promotion);
  t.equal(lone.replica.state, 'PROMOTING');
  const other = grantor();
  t.strictSame(other.hear(9, { type: 'yield', generation: 6 }), []);
  other.step(promotion);
  t.equal(other.replica.state, 'PROMOTING');
});

/** A primary that gave up its volume; read 1 was under way, write 2 unanswered, read 3 held. */
function steppedDown(): { lone: Lone; link: number; effects: Effect[] } {
  const { lone, links } = serving();
  const [link = 0] = links;
  lone.hold('disk-read');
  lone.read(1, 0);
  lone.write(2, 0);
  lone.step({ type: 'step-down' });
  const answer = { type: 'flush-answer', flushId: 1 } as const;
  const effects = lone.step({ type: 'frame', link, message: answer, payload: undefined, intact: true });
  return { lone, link, effects };
}

t.test('a primary steps down when both sides flushed what it acknowledged', async (t) => {
  const { lone, links } = serving();
  const [link = 0] = links;
  lone.hold('disk-flush');
  t.match(sentOf(lone.step({ type: 'step-down' })), [{ type: 'flush' }]);
  lone.hear(link, { type: 'flush-answer', flushId: 1 });
  t.equal(lone.replica.state, 'SERVING');
  lone.answer('disk-flush');
  t.equal(lone.replica.state, 'STEPPED_DOWN');
});

t.test('what comes while it steps down is refused, so that the flush has an end', async (t) => {
  const { lone } = serving();
  lone.hold('disk-flush');
  lone.step({ type: 'step-down' });
  t.strictSame(repliesOf([...lone.write(1, 0), ...lone.read(2, 0)]), [
    { id: 1, ok: false, failure: 'ESHUTDOWN' },
    { id: 2, ok: false, failure: 'ESHUTDOWN' },
  ]);
});

t.test('it yields when whatever was under way is refused, not before', async (t) => {
  const { lone, effects } = steppedDown();
  t.equal(lone.replica.state, 'STEPPED_DOWN');
  t.strictSame(repliesOf(effects), [
    { id: 1, ok: false, failure: 'ESHUTDOWN' },
    { id: 2, ok: false, failure: 'ESHUTDOWN' },
  ]);
  t.match(sentOf(effects), [{ type: 'yield', generation: 5 }]);
  t.ok(typesOf(effects).lastIndexOf('reply') < typesOf(effects).indexOf('send'));
});

t.test('after a yield nothing is answered, whatever ends late or comes in', async (t) => {
  const { lone, link } = steppedDown();
  const late = [
    ...lone.answer('disk-read'),
    ...lone.step({
      type: 'frame',
      link,
      message: { type: 'write-answer', appliedSequence: 1 },
      payload: undefined,
      intact: true,
    }),
  ];
  t.strictSame(repliesOf(late), []);
  t.notOk(typesOf(late).includes('disk-write'), 'nor is anything written that the other may not have');
  t.strictSame(repliesOf([...lone.read(4, 0), ...lone.write(5, 0)]), [
    { id: 4, ok: false, failure: 'ESHUTDOWN' },
    { id: 5, ok: false, failure: 'ESHUTDOWN' },
  ]);
});

t.test('after a yield it asks for no lease', async (t) => {
  const { lone } = steppedDown();
  const effects = [1, 2, 3, 4, 5].flatMap(() => lone.tick(100));
  t.strictSame(sentOf(effects), []);
});

t.test('told to serve again it needs a new lease, and answers no read of before', async (t) => {
  const { lone, link } = steppedDown();
  // What was asked for before the yield and is granted late.
  grant(lone, [link]);
  const view = { generation: 5, primary: 'a', inSync: ['a', 'b'] };
  lone.step({ type: 'view', view, explicit: true });
  t.equal(lone.replica.state, 'RECOVERING');
  const again = lone.connect('b');
  lone.hear(again, helloAnswer('b', 5, { appliedSequence: 1 }));
  lone.hear(again, { type: 'pull-done', appliedSequence: 1 });
  t.equal(lone.replica.state, 'SERVING');
  const before = [...lone.answer('disk-read'), ...lone.read(4, 0)];
  t.strictSame(repliesOf(before), []);
  t.notOk(typesOf(before).includes('disk-read'), 'not under a lease that it gave back');
  lone.hear(again, { type: 'heartbeat-answer', generation: 5, askedAtMs: lone.nowMs, leaseMs: LEASE_MS });
  t.match(repliesOf(lone.answer('disk-read')), [{ id: 4, ok: true }]);
});

t.test('a step-down that is called off in time is none', async (t) => {
  const { lone, links } = serving();
  const [link = 0] = links;
  lone.hold('disk-flush');
  lone.step({ type: 'step-down' });
  const view = { generation: 5, primary: 'a', inSync: ['a', 'b'] };
  lone.step({ type: 'view', view, explicit: true });
  lone.answer('disk-flush');
  t.strictSame(lone.hear(link, { type: 'flush-answer', flushId: 1 }), []);
  t.equal(lone.replica.state, 'SERVING');
  t.match(repliesOf(lone.read(1, 0)), [{ id: 1, ok: true }]);
});

t.test('a heartbeat that merely repeats the view calls no step-down off', async (t) => {
  const { lone } = steppedDown();
  const view = { generation: 5, primary: 'a', inSync: ['a', 'b'] };
  lone.step({ type: 'view', view, explicit: false });
  t.equal(lone.replica.state, 'STEPPED_DOWN');
});

t.test('a primary that stepped down is fenced by the generation of the other', async (t) => {
  const { lone } = steppedDown();
  lone.step({ type: 'view', view: { generation: 6, primary: 'b', inSync: ['b'] }, explicit: false });
  t.equal(lone.replica.state, 'FENCED');
  t.match(lone.store.durable, { view: { generation: 6, primary: 'b' }, complete: false });
});
