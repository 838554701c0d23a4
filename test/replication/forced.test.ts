/** A person chooses an old copy: it goes back to what it last held whole, and serves when its own grants are over. */
import t from 'tap';
import type { Effect } from '../../daemon/replication/interface.ts';
import { completeState, hello, helloAnswer, blankState, Lone, repliesOf } from '../support/harness/lone.ts';
import { joined, serving, staleCopy, target } from '../support/harness/roles.ts';

const chosen = { generation: 7, primary: 'b', inSync: ['b'] };
const force = (lone: Lone, view = chosen): Effect[] => lone.step({ type: 'force', view });
const LEASE_MS = 400;

t.test('a stale copy becomes primary by force, and tracks nobody’s changes but by asking', async (t) => {
  const lone = staleCopy();
  force(lone);
  t.equal(lone.replica.state, 'PROMOTING');
  t.match(lone.store.durable, {
    view: chosen,
    complete: true,
    promoting: true,
    consistentAt: 7,
    tracked: [{ host: 'a', since: 4, until: 4, covers: false, copying: 0, compare: false }],
  });
  lone.tick(LEASE_MS);
  t.equal(lone.replica.state, 'SOLO');
  t.match(repliesOf(lone.write(1, 0)), [{ ok: true }]);
});

t.test('it serves only after the last lease that it granted', async (t) => {
  const lone = joined();
  lone.nowMs += 5000;
  lone.hear(1, { type: 'heartbeat', generation: 6, askedAtMs: 1, stableSequence: 0 });
  force(lone);
  lone.tick(LEASE_MS - 1);
  t.equal(lone.replica.state, 'PROMOTING');
  t.strictSame(repliesOf(lone.read(1, 0)), []);
  t.strictSame(repliesOf(lone.tick(1)), [{ id: 1, ok: true, data: new Uint8Array(512) }]);
});

t.test('it serves only when its view is durable', async (t) => {
  const lone = staleCopy();
  lone.hold('persist');
  force(lone);
  lone.tick(10_000);
  t.equal(lone.replica.state, 'PROMOTING');
  lone.answer('persist');
  t.equal(lone.replica.state, 'PROMOTING', 'nor before it is complete on stable storage');
  lone.answer('persist');
  t.equal(lone.replica.state, 'SOLO');
});

/** A mixture: regions 1 and 3 were copied to. */
function mixture(): Lone {
  const lone = target();
  for (const region of [1, 3]) lone.hear(1, { type: 'copy-zero', generation: 5, region });
  return lone;
}

t.test(
  'a region that could not be kept is no reason to drop the others once the copy was chosen',
  async (t) => {
    const lone = mixture();
    lone.hold('preserve');
    lone.hear(1, { type: 'copy-zero', generation: 5, region: 2 });
    lone.hold('revert');
    force(lone);
    lone.answer('revert', { failure: 'EIO' });
    t.equal(lone.replica.state, 'FENCED');
    const effects = lone.answer('preserve', { failure: 'EIO' });
    t.strictSame(
      effects.filter(({ type }) => type === 'drop-fallback'),
      [],
    );
    force(lone, { ...chosen, generation: 8 });
    t.ok(lone.answer('revert').length > 0, 'it can be chosen once more');
    lone.tick(LEASE_MS);
    t.equal(lone.replica.state, 'SOLO');
  },
);

t.test(
  'that a mixture goes back is durable before it does, and that it did before the fallback goes',
  async (t) => {
    const lone = mixture();
    lone.hold('revert');
    lone.hold('persist');
    const effects = force(lone);
    t.match(effects, [
      { type: 'close-link' },
      { type: 'state-changed', to: 'PROMOTING' },
      { type: 'persist', durable: { view: chosen, promoting: true, complete: false, mixed: true } },
    ]);
    t.equal(effects.length, 3);
    lone.tick(10_000);
    t.match(lone.answer('persist'), [{ type: 'revert' }]);
    t.notOk(
      lone.tick(1000).some(({ type }) => type === 'revert'),
      'once',
    );
    t.equal(lone.replica.state, 'PROMOTING');
    const after = lone.answer('revert');
    t.match(after, [{ type: 'persist', durable: { complete: true, consistentAt: 7, mixed: false } }]);
    t.equal(after.length, 1, 'a crash now still finds the fallback');
    t.match(lone.answer('persist')[0], { type: 'drop-fallback' });
    t.equal(lone.replica.state, 'SOLO');
  },
);

t.test('what was reverted differs from whoever copied to it', async (t) => {
  const lone = mixture();
  force(lone);
  t.strictSame(lone.dirtyOf('a'), [1, 3]);
  t.match(lone.store.durable.tracked, [{ host: 'a', since: 4, until: 4, covers: false }]);
});

t.test(
  'a copy whose fallback cannot be written back does not serve, says why, and can be chosen again',
  async (t) => {
    const lone = mixture();
    lone.hold('revert');
    force(lone);
    lone.answer('revert', { failure: 'EIO' });
    t.equal(lone.replica.state, 'FENCED');
    t.match(lone.replica.status.reason, /cannot be brought back: EIO/);
    t.match(lone.store.durable, { complete: false, promoting: false, mixed: true, consistentAt: 4 });
    t.strictSame(repliesOf(lone.read(1, 0)), [{ id: 1, ok: false, failure: 'ESHUTDOWN' }]);
    force(lone, { ...chosen, generation: 8 });
    lone.answer('revert');
    lone.tick(LEASE_MS);
    t.equal(lone.replica.state, 'SOLO');
    t.strictSame(lone.dirtyOf('a'), [1, 3]);
  },
);

t.test('a write that is under way ends before what it destroyed is written back', async (t) => {
  const lone = target();
  lone.hold('disk-write');
  lone.hear(1, { type: 'copy-zero', generation: 5, region: 1 });
  t.notOk(force(lone).some(({ type }) => type === 'revert'));
  t.ok(lone.answer('disk-write').some(({ type }) => type === 'revert'));
});

t.test('a process that restarts before all was written back writes it back anew', async (t) => {
  const lone = mixture();
  lone.hold('revert');
  force(lone);
  const { durable, maps } = lone.store.kept([]);
  const again = new Lone('b', durable, { maps, preserved: [1, 3] });
  again.hold('revert');
  t.equal(again.replica.state, 'PROMOTING');
  t.ok(again.tick(10_000).some(({ type }) => type === 'revert'));
  again.tick(10_000);
  t.equal(again.replica.state, 'PROMOTING', 'it serves nobody before');
  again.answer('revert');
  t.equal(again.replica.state, 'SOLO');
  t.strictSame(again.dirtyOf('a'), [1, 3]);
});

t.test(
  'a secondary is chosen with what it holds; what it holds unstable may be missing elsewhere',
  async (t) => {
    const lone = joined(['a', 'b', 'c']);
    const write = {
      type: 'write',
      generation: 6,
      sequence: 1,
      offset: 65_536,
      length: 512,
      kind: 'trim',
    } as const;
    lone.hear(1, { ...write, stableSequence: 0 });
    t.notOk(force(lone).some(({ type }) => type === 'revert'));
    t.match(lone.store.durable.tracked, [
      { host: 'a', since: 6, until: 6, covers: false },
      { host: 'c', since: 6, until: 6, covers: false },
    ]);
    t.strictSame([lone.dirtyOf('a'), lone.dirtyOf('c')], [[1], [1]]);
  },
);

t.test('no force makes a primary of a copy that was never whole, or of an older generation', async (t) => {
  const before = { ...chosen, generation: 5 };
  const cases: [string, () => Lone, typeof chosen][] = [
    ['blank', () => new Lone('b', blankState), chosen],
    ['never whole', () => staleCopy({ consistentAt: 0 }), chosen],
    ['a mixture without a fallback', () => target({ consistentAt: 0 }), chosen],
    ['the same generation', staleCopy, before],
    ['an older generation', staleCopy, { ...chosen, generation: 4 }],
  ];
  for (const [name, make, view] of cases) {
    const lone = make();
    const { state } = lone.replica;
    const { view: was } = lone.store.durable;
    t.notOk(
      force(lone, view).some(({ type }) => type !== 'state-changed'),
      name,
    );
    t.equal(lone.replica.state, state, name);
    t.strictSame(lone.store.durable.view, was);
    t.match(lone.replica.status.reason, /cannot become primary/, name);
  }
});

t.test('a primary is not forced to be one', async (t) => {
  const { lone } = serving();
  t.strictSame(force(lone, { generation: 6, primary: 'a', inSync: ['a'] }), []);
  t.equal(lone.replica.state, 'SERVING');
  t.equal(lone.replica.view.generation, 5);
});

t.test('one that was forced and hears of a newer generation meanwhile does not serve', async (t) => {
  const lone = mixture();
  lone.hold('revert');
  force(lone);
  lone.step({ type: 'view', view: { generation: 8, primary: 'a', inSync: ['a'] }, explicit: false });
  t.equal(lone.replica.state, 'FENCED');
  lone.answer('revert');
  t.match(lone.store.durable, { view: { generation: 8 }, complete: false, consistentAt: 4 });
  lone.tick(10_000);
  t.equal(lone.replica.state, 'FENCED');
});

t.test('the old primary of a copy that was forced tells its own changes when it comes back', async (t) => {
  const lone = mixture();
  force(lone);
  lone.tick(LEASE_MS);
  lone.step({ type: 'seed', target: 'a', snapshot: 's' });
  const link = lone.connect('a');
  const answer = helloAnswer('a', 7, { consistentAt: 5, changesKnown: true });
  lone.hear(link, answer);
  t.equal(lone.replica.status.join?.mode, 'COMPARE', 'of a generation that the old copy does not know');
  const back = new Lone('a', completeState({ generation: 5, primary: 'a', inSync: ['a'] }));
  t.match(back.hear(3, hello('b', 7, 'join')), [{ type: 'hello-answer', consistentAt: 5 }]);
});
