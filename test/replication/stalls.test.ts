/** A disk that does nothing counts as failed: a peer's is dropped with control's consent, the own makes way. */
import t from 'tap';
import type { Effect } from '../../daemon/replication/interface.ts';
import type { Message } from '../../daemon/replication/messages.ts';
import { helloAnswer, type Lone, repliesOf, sentOf } from '../support/harness/lone.ts';
import { beginCopy, grant, serving, solo } from '../support/harness/roles.ts';
import { TIMING } from '../support/harness/world.ts';

const { stallMs } = TIMING;
const STEP_MS = 50;

/** Time goes by; b answers each heartbeat, and nothing else. */
function beats(lone: Lone, link: number, ms: number, alsoSays?: Message): Effect[] {
  const all: Effect[] = [];
  for (const untilMs = lone.nowMs + ms; lone.nowMs < untilMs;) {
    const effects = lone.tick(Math.min(STEP_MS, untilMs - lone.nowMs));
    if (sentOf(effects).some(({ type }) => type === 'heartbeat')) grant(lone, [link]);
    all.push(...effects);
  }
  if (alsoSays !== undefined)
    all.push(...lone.step({ type: 'frame', link, message: alsoSays, payload: undefined, intact: true }));
  return all;
}

/** Time goes by, tick by tick: a longer step would be a pause of the process, which counts as no stall. */
function pass(lone: Lone, ms: number): void {
  for (const untilMs = lone.nowMs + ms; lone.nowMs < untilMs;) lone.tick(STEP_MS);
}

function primary(): { lone: Lone; link: number } {
  const { lone, links } = serving();
  return { lone, link: links[0] ?? 0 };
}

const proposalIn = (effects: readonly Effect[]): Effect | undefined =>
  effects.find(({ type }) => type === 'propose');

t.test('a peer that answers heartbeats and no write is gone on without, when control says so', async (t) => {
  const { lone, link } = primary();
  lone.write(1, 0);
  t.strictSame(proposalIn(beats(lone, link, stallMs)), undefined);
  t.equal(lone.replica.state, 'SERVING');
  const effects = beats(lone, link, 2 * STEP_MS);
  t.equal(lone.replica.state, 'HOLDING');
  t.match(proposalIn(effects), {
    fromGeneration: 5,
    inSync: ['a'],
    reason: 'b answers, and has finished nothing for 0.6 s',
  });
  t.strictSame(repliesOf([...effects, ...lone.tick(10_000)]), [], 'never alone');
  const view = { generation: 6, primary: 'a', inSync: ['a'] };
  t.match(repliesOf(lone.step({ type: 'view', view, explicit: false })), [{ id: 1, ok: true }]);
});

t.test('a peer that answers no flush is dropped too', async (t) => {
  const { lone, link } = primary();
  lone.client(1, { kind: 'flush' });
  beats(lone, link, stallMs + 2 * STEP_MS);
  t.equal(lone.replica.state, 'HOLDING');
});

t.test('a peer that was dropped for its disk is not dialled again', async (t) => {
  const { lone, link } = primary();
  lone.write(1, 0);
  const effects = beats(lone, link, stallMs + 10 * STEP_MS);
  t.ok(effects.some(({ type }) => type === 'close-link'));
  t.notOk(effects.some(({ type }) => type === 'dial'));
});

t.test('a peer is not blamed for the time in which its link was down', async (t) => {
  const { lone, link } = primary();
  lone.write(1, 0);
  lone.step({ type: 'link-closed', link });
  pass(lone, 2 * stallMs);
  const again = lone.connect('b');
  t.match(lone.hear(again, helloAnswer('b', 5)), [{ type: 'heartbeat' }, { type: 'write' }]);
  beats(lone, again, 0.9 * stallMs);
  t.equal(lone.replica.state, 'SERVING');
  beats(lone, again, 0.2 * stallMs);
  t.equal(lone.replica.state, 'HOLDING');
});

t.test('a peer that is behind all the time and makes progress stays', async (t) => {
  const { lone, link } = primary();
  for (let id = 1; id <= 10; id++) {
    lone.write(id, 0);
    lone.write(100 + id, 1);
    // One of two: it owes something at every instant.
    beats(lone, link, 0.8 * stallMs, { type: 'write-answer', appliedSequence: id });
  }
  t.equal(lone.replica.state, 'SERVING');
});

t.test('a peer that owes nothing stays, however long that is', async (t) => {
  const { lone, link } = primary();
  lone.write(1, 0);
  beats(lone, link, STEP_MS, { type: 'write-answer', appliedSequence: 1 });
  lone.client(2, { kind: 'flush' });
  beats(lone, link, STEP_MS, { type: 'flush-answer', flushId: 1 });
  beats(lone, link, 5 * stallMs);
  t.equal(lone.replica.state, 'SERVING');
});

t.test('what a peer owes is counted from when it was asked', async (t) => {
  const { lone, link } = primary();
  beats(lone, link, 3 * stallMs);
  lone.write(1, 0);
  beats(lone, link, 0.9 * stallMs);
  t.equal(lone.replica.state, 'SERVING');
});

t.test('a target that answers nothing of its copy fails it, and the primary serves on', async (t) => {
  const lone = solo([1]);
  const { link } = beginCopy(lone);
  lone.step({ type: 'connect', target: 'b' });
  beats(lone, link, stallMs + 2 * STEP_MS);
  t.match(lone.replica.status.join, { phase: 'FAILED', error: 'b has finished nothing for too long' });
  t.equal(lone.replica.state, 'SOLO');
});

const stuck: [string, 'disk-write' | 'disk-read' | 'disk-flush', (lone: Lone) => void][] = [
  ['write', 'disk-write', (lone) => lone.write(1, 0)],
  ['read', 'disk-read', (lone) => lone.read(1, 0)],
  ['flush', 'disk-flush', (lone) => lone.client(1, { kind: 'flush' })],
];

for (const [name, effect, begin] of stuck) {
  t.test(`a primary whose own disk does not end a ${name} makes way for its secondary`, async (t) => {
    const { lone, link } = primary();
    lone.hold(effect);
    begin(lone);
    beats(lone, link, 0, { type: 'write-answer', appliedSequence: name === 'write' ? 1 : 0 });
    if (name === 'flush') beats(lone, link, 0, { type: 'flush-answer', flushId: 1 });
    beats(lone, link, stallMs);
    t.equal(lone.replica.state, 'SERVING');
    const effects = lone.tick(STEP_MS);
    t.equal(lone.replica.state, 'STEPPED_DOWN');
    t.match(lone.replica.status.reason, /the disk of this host has done nothing for 0.6 s/);
    t.strictSame(repliesOf(effects), [{ id: 1, ok: false, failure: 'ESHUTDOWN' }]);
    t.match(sentOf(effects), [{ type: 'yield', generation: 5 }]);
    t.strictSame(repliesOf(lone.answer(effect)), [], 'what ends late is answered to nobody');
  });

  t.test(`a primary alone whose disk does not end a ${name} has nobody to make way for`, async (t) => {
    const lone = solo();
    lone.hold(effect);
    begin(lone);
    pass(lone, 3 * stallMs);
    t.equal(lone.replica.state, 'SOLO');
    t.match(repliesOf(lone.answer(effect)), [{ id: 1, ok: true }]);
  });
}

t.test('a disk that always has something to do and does it is not stuck', async (t) => {
  const { lone, link } = primary();
  lone.hold('disk-read');
  lone.read(0, 0);
  for (let id = 1; id <= 10; id++) {
    lone.read(id, 0);
    beats(lone, link, 0.4 * stallMs);
    t.match(repliesOf(lone.answer('disk-read')), [{ id: id - 1, ok: true }]);
  }
  t.equal(lone.replica.state, 'SERVING');
});
