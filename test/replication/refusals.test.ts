/** What one replica refuses, looked at alone: the second line of defence, behind links that are closed in time. */
import t from 'tap';
import type { Effect } from '../../daemon/replication/interface.ts';
import type { Message } from '../../daemon/replication/messages.ts';
import { REGION_BYTES } from '../../daemon/replication/units.ts';
import { blankState, completeState, hello, helloAnswer, Lone, SIZE_BYTES } from '../support/harness/lone.ts';

const both = { generation: 5, primary: 'a', inSync: ['a', 'b'] };
const write = (generation: number, more: Partial<Extract<Message, { type: 'write' }>> = {}): Message => ({
  type: 'write',
  generation,
  sequence: 1,
  offset: 0,
  length: 512,
  kind: 'trim',
  stableSequence: 0,
  ...more,
});
const heartbeat = (generation: number): Message => ({
  type: 'heartbeat',
  generation,
  askedAtMs: 1,
  stableSequence: 0,
});

/** A secondary of generation 5 that has met its primary a. */
function secondary(): Lone {
  const lone = new Lone('b', completeState(both));
  lone.hear(1, hello('a', 5, 'recover'));
  return lone;
}

/** A primary of generation 5 that serves with b in sync. */
function primary(): { lone: Lone; link: number } {
  const lone = new Lone('a', completeState(both));
  const link = lone.connect();
  lone.hear(link, helloAnswer('b', 5));
  lone.hear(link, { type: 'pull-done', appliedSequence: 0 });
  lone.hear(link, { type: 'heartbeat-answer', generation: 5, askedAtMs: lone.nowMs, leaseMs: 400 });
  return { lone, link };
}

t.test('a hello of an older generation is refused with the newer one and its primary', async (t) => {
  for (const intent of ['resume', 'recover', 'join'] as const) {
    const lone = new Lone('b', completeState(both));
    const [answer] = lone.hear(1, hello('x', 4, intent));
    t.match(answer, { type: 'refusal', reason: 'GENERATION', generation: 5, primary: 'a' });
    t.equal(lone.replica.state, 'SECONDARY');
  }
});

t.test(
  'a hello of a generation whose set this replica is not in is refused unless it is to join',
  async (t) => {
    for (const intent of ['resume', 'recover'] as const) {
      const lone = new Lone('b', completeState(both));
      const without = { ...hello('a', 6, intent), inSync: ['a', 'c'] } as Message;
      t.match(lone.hear(1, without), [{ type: 'refusal', reason: 'STATE' }]);
      const ofAnother = hello('c', 6, intent);
      t.match(lone.hear(2, ofAnother), [{ type: 'refusal', reason: 'STATE' }]);
    }
  },
);

t.test('a write of another generation is not applied, even on the link of the primary', async (t) => {
  for (const generation of [4, 6]) {
    const lone = secondary();
    const effects = lone.step({
      type: 'frame',
      link: 1,
      message: write(generation),
      payload: undefined,
      intact: true,
    });
    t.notOk(effects.some((effect) => effect.type === 'disk-write'));
    t.match(effects[0], { type: 'send', message: { type: 'refusal', reason: 'GENERATION', generation: 5 } });
  }
});

t.test('a heartbeat of another generation gets no lease', async (t) => {
  t.match(secondary().hear(1, heartbeat(5)), [{ type: 'heartbeat-answer', leaseMs: 400 }]);
  t.match(secondary().hear(1, heartbeat(4)), [{ type: 'refusal' }]);
});

t.test('a primary that is refused by a newer generation of another primary is fenced at once', async (t) => {
  const { lone, link } = primary();
  t.equal(lone.replica.state, 'SERVING');
  const effects = lone.step({
    type: 'client',
    id: 1,
    request: { kind: 'trim', offset: 0, length: 512, fua: false },
  });
  t.match(effects, [{ type: 'send', message: { type: 'write' } }]);
  const refusal = {
    type: 'refusal',
    generation: 6,
    primary: 'b',
    reason: 'GENERATION',
    message: '',
  } as const;
  const after = lone.step({ type: 'frame', link, message: refusal, payload: undefined, intact: true });
  t.equal(lone.replica.state, 'FENCED');
  t.match(
    after.find((effect) => effect.type === 'reply'),
    { id: 1, result: { ok: false, failure: 'ESHUTDOWN' } },
  );
});

t.test('a refusal that names the primary itself makes it ask control', async (t) => {
  const { lone, link } = primary();
  lone.hear(link, { type: 'refusal', generation: 6, primary: 'a', reason: 'GENERATION', message: '' });
  t.equal(lone.replica.state, 'HOLDING');
  t.match(
    lone.tick(600).find((effect) => effect.type === 'propose'),
    { fromGeneration: 5, inSync: ['a'] },
  );
});

t.test('a lease that was granted in another generation is not taken', async (t) => {
  const { lone, link } = primary();
  lone.nowMs += 10_000;
  lone.hear(link, { type: 'heartbeat-answer', generation: 4, askedAtMs: lone.nowMs, leaseMs: 400 });
  t.equal(lone.replica.status.leaseLeftMs, 0);
});

t.test('a secondary whose process restarted is not resumed with: it says so', async (t) => {
  const lone = new Lone('b', completeState(both));
  const [answer] = lone.hear(1, hello('a', 5, 'resume', { mine: 1, yours: 99 }));
  t.match(answer, { type: 'refusal', reason: 'INCARNATION' });
});

t.test('a replica in the in-sync set is nobody’s target', async (t) => {
  t.match(new Lone('b', completeState(both)).hear(1, hello('a', 5, 'join')), [
    { type: 'refusal', reason: 'STATE' },
  ]);
  const { lone } = primary();
  t.match(lone.hear(9, hello('b', 5, 'join')), [{ type: 'refusal', reason: 'STATE' }]);
  t.equal(lone.replica.state, 'SERVING');
});

t.test('a target is incomplete on stable storage before the first byte of the copy', async (t) => {
  const lone = new Lone('b', completeState(both));
  lone.hold('persist');
  t.strictSame(lone.hear(1, hello('a', 6, 'join')), []);
  t.match(lone.persisted, [{ complete: false, blank: false, view: { generation: 6, inSync: ['a'] } }]);
});

t.test('a candidate answers once it is durable that it is one', async (t) => {
  const lone = new Lone('b', blankState);
  lone.hear(1, hello('a', 1, 'join'));
  lone.hear(1, { type: 'copy-begin', generation: 1 });
  lone.hold('persist');
  t.strictSame(lone.hear(1, { type: 'candidate', generation: 1, proposedGeneration: 2, sequence: 0 }), []);
  t.match(lone.persisted.at(-1), { candidateFor: 2 });
});

t.test(
  'a promoted replica does not serve before its view is durable, however long the lease is over',
  async (t) => {
    const lone = secondary();
    lone.hold('persist');
    lone.step({ type: 'view', view: { generation: 6, primary: 'b', inSync: ['b'] }, explicit: true });
    lone.tick(10_000);
    t.equal(lone.replica.state, 'PROMOTING');
  },
);

t.test('what control is told is what a restart would find', async (t) => {
  const lone = secondary();
  lone.hold('persist');
  lone.step({ type: 'view', view: { generation: 6, primary: 'b', inSync: ['b'] }, explicit: true });
  t.equal(lone.replica.view.generation, 6);
  t.equal(lone.replica.status.view.generation, 5);
});

t.test('a replica that may lack writes is not promoted, whoever says so', async (t) => {
  const states = [
    blankState,
    { ...completeState(both), complete: false },
    completeState({ ...both, generation: 3 }),
  ];
  for (const durable of states) {
    const lone = new Lone('b', durable);
    const before = lone.replica.state;
    lone.step({ type: 'view', view: { generation: 6, primary: 'b', inSync: ['b'] }, explicit: true });
    t.equal(lone.replica.state, before);
    t.match(lone.replica.status.reason, /refused to become primary/);
  }
});

t.test('a frame that is damaged, outside the volume or out of order ends the link', async (t) => {
  const damaged = secondary().step({
    type: 'frame',
    link: 1,
    message: write(5, { kind: 'data' }),
    payload: new Uint8Array(512),
    intact: false,
  });
  t.match(damaged, [
    { type: 'send', message: { type: 'refusal', reason: 'CHECKSUM' } },
    { type: 'close-link' },
  ]);
  t.match(secondary().hear(1, write(5, { offset: SIZE_BYTES })), [{ type: 'refusal', reason: 'MALFORMED' }]);
  const copy = { type: 'copy-zero', generation: 5, region: SIZE_BYTES / REGION_BYTES } as const;
  t.match(secondary().hear(1, copy), [{ type: 'refusal', reason: 'MALFORMED' }]);
  const skipping = secondary();
  skipping.hear(1, write(5));
  t.match(skipping.hear(1, write(5, { sequence: 3 })), [{ type: 'refusal', reason: 'MALFORMED' }]);
  t.match(secondary().hear(1, { type: 'write-answer', appliedSequence: 1 }), [{ type: 'refusal' }]);
});

t.test('an answer to a write that was never sent ends the link', async (t) => {
  const { lone, link } = primary();
  t.match(lone.hear(link, { type: 'write-answer', appliedSequence: 99 }), [
    { type: 'refusal', reason: 'MALFORMED' },
  ]);
  t.equal(lone.replica.state, 'HOLDING');
});

t.test('a view, a candidacy or a hello that cannot be is refused, and stops nobody', async (t) => {
  const joining = (): Lone => {
    const lone = new Lone('b', blankState);
    lone.hear(1, hello('a', 1, 'join'));
    lone.hear(1, { type: 'copy-begin', generation: 1 });
    return lone;
  };
  t.match(joining().hear(1, { type: 'candidate', generation: 1, proposedGeneration: 3, sequence: 0 }), [
    { type: 'refusal', reason: 'MALFORMED' },
  ]);
  const candidate = joining();
  candidate.hear(1, { type: 'candidate', generation: 1, proposedGeneration: 2, sequence: 0 });
  const view = { type: 'view', generation: 2, primary: 'b', inSync: ['a', 'b'] } as const;
  t.match(candidate.hear(1, view), [{ type: 'refusal', reason: 'STATE' }]);

  for (const intent of ['resume', 'recover', 'join'] as const) {
    t.match(new Lone('b', completeState(both)).hear(1, hello('x', 5, intent)), [{ reason: 'STATE' }]);
    t.match(new Lone('b', completeState(both)).hear(1, hello('b', 6, intent)), [{ reason: 'STATE' }]);
  }
  const { lone, link } = primary();
  t.match(lone.hear(link, hello('b', 6, 'join')), [{ type: 'refusal', reason: 'MALFORMED' }]);
  t.equal(lone.replica.state, 'HOLDING');

  const first = new Lone('a', blankState);
  const [persist] = first.replica.step(
    { type: 'view', view: { generation: 1, primary: 'a', inSync: ['a'] }, explicit: true },
    first.nowMs,
  );
  first.hear(1, hello('b', 2, 'join'));
  first.step({ type: 'persisted', token: persist?.type === 'persist' ? persist.token : 0 });
  t.equal(first.replica.state, 'JOINING');
});

t.test('a second answer to a hello ends the link', async (t) => {
  const { lone, link } = primary();
  t.match(lone.hear(link, helloAnswer('b', 5)), [{ type: 'refusal', reason: 'MALFORMED' }]);
});

t.test('half a pulled region is not written', async (t) => {
  const lone = new Lone('a', completeState(both));
  const link = lone.connect();
  lone.hear(link, helloAnswer('b', 5));
  const message = { type: 'pull-region', region: 0 } as const;
  const payload = new Uint8Array(REGION_BYTES - 1);
  const effects = lone.step({ type: 'frame', link, message, payload, intact: true });
  t.match(effects, [
    { type: 'send', message: { type: 'refusal', reason: 'MALFORMED' } },
    { type: 'close-link' },
  ]);
});

t.test('an answer to a copy that was never sent, or that cannot be, ends the copy', async (t) => {
  for (const answer of [
    { region: 1, needed: false },
    { region: 0, needed: true },
  ]) {
    const lone = new Lone('a', completeState({ ...both, inSync: ['a'] }));
    lone.snapshot = { allocated: [], changed: [0] };
    const [dial] = lone.step({ type: 'seed', target: 'b', snapshot: 's' });
    const link = dial?.type === 'dial' ? dial.link : 0;
    lone.step({ type: 'link-opened', link, peer: 'b' });
    lone.hear(link, helloAnswer('b', 5, { blank: true }));
    const sent = lone.step({ type: 'connect', target: 'b' });
    t.match(
      sent.find((effect) => effect.type === 'send'),
      { message: { type: 'copy-zero', region: 0 } },
    );
    t.match(lone.hear(link, { type: 'copy-answer', ...answer }), [{ type: 'refusal', reason: 'MALFORMED' }]);
    t.equal(lone.replica.status.join?.phase, 'FAILED');
    t.equal(lone.replica.state, 'SOLO');
  }
});

t.test('a second hello on a link ends it', async (t) => {
  t.match(secondary().hear(1, hello('a', 5, 'recover')), [{ type: 'refusal', reason: 'MALFORMED' }]);
});

t.test(
  'a secondary whose disk fails says so; a primary whose disk fails serves nobody any more',
  async (t) => {
    const sick = new Lone('b', completeState(both));
    sick.hear(1, hello('a', 5, 'recover'));
    const [effect] = sick.replica.step(
      { type: 'frame', link: 1, message: write(5), payload: undefined, intact: true },
      sick.nowMs,
    );
    const token = effect?.type === 'disk-write' ? effect.token : 0;
    t.match(sick.step({ type: 'disk-done', token, failure: 'EIO' }), [
      { type: 'send', message: { type: 'refusal', reason: 'DISK' } },
      { type: 'close-link' },
    ]);

    const { lone } = primary();
    const flush = lone.replica.step({ type: 'client', id: 5, request: { kind: 'flush' } }, lone.nowMs);
    const flushToken = flush.find((one) => one.type === 'disk-flush')?.token ?? 0;
    t.match(lone.step({ type: 'disk-done', token: flushToken, failure: 'EIO' }), [
      // A later life of the process must not trust this disk, nor go on without the other.
      { type: 'persist', durable: { complete: true, flushFailedIn: 'boot 1' } },
      { type: 'reply', id: 5, result: { ok: false } },
      // Nobody has to wait for the end of the lease.
      { type: 'send', message: { type: 'yield' } },
      { type: 'close-link' },
      { type: 'state-changed', to: 'FENCED' },
    ]);
  },
);

t.test('what the disk lost with nobody waiting for it is asked for at once, and durable', async (t) => {
  const sick = new Lone('b', completeState(both));
  sick.hear(1, hello('a', 5, 'recover'));
  t.match(failedAlone(sick), [
    { type: 'persist', durable: { flushFailedIn: 'boot 1' } },
    { type: 'state-changed', to: 'STALE' },
    { type: 'persist', durable: { complete: false } },
    { type: 'send', message: { type: 'refusal', reason: 'DISK' } },
    { type: 'close-link' },
  ]);
  const { lone } = primary();
  t.match(failedAlone(lone), [
    { type: 'persist', durable: { flushFailedIn: 'boot 1' } },
    { type: 'send', message: { type: 'yield' } },
    { type: 'close-link' },
    { type: 'state-changed', to: 'FENCED' },
  ]);
});

function failedAlone(lone: Lone): readonly Effect[] {
  const [flush] = lone.replica.step({ type: 'sync-failed' }, lone.nowMs);
  const token = flush?.type === 'disk-flush' ? flush.token : 0;
  return lone.step({ type: 'disk-done', token, failure: 'EIO' });
}

t.test('a link that opens after its dialler was fenced is closed without a word', async (t) => {
  const lone = new Lone('a', completeState(both));
  const dial = lone.tick(200).find((effect) => effect.type === 'dial');
  lone.step({ type: 'view', view: { generation: 6, primary: 'b', inSync: ['b'] }, explicit: false });
  t.equal(lone.replica.state, 'FENCED');
  const link = dial?.link ?? 0;
  t.strictSame(lone.step({ type: 'link-opened', link, peer: 'b' }), [{ type: 'close-link', link }]);
});

t.test('a hello that is never answered is given up, and said again on another link', async (t) => {
  const lone = new Lone('a', completeState({ generation: 5, primary: 'a', inSync: ['a', 'b'] }));
  const link = lone.connect();
  t.ok(lone.tick(3100).some((effect) => effect.type === 'close-link' && effect.link === link));
  t.not(lone.connect(), link);
});
