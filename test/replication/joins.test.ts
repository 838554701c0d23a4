/** What a primary copies to a target: by the dirty maps of both, by comparison, or from a snapshot. */
import t from 'tap';
import type { Effect, Tracked } from '../../daemon/replication/interface.ts';
import type { Message } from '../../daemon/replication/messages.ts';
import { REGION_BYTES, type Region } from '../../daemon/replication/units.ts';
import { completeState, Lone, sentOf } from '../support/harness/lone.ts';
import { beginCopy, copiesIn, solo, target } from '../support/harness/roles.ts';

type HelloAnswer = Extract<Message, { type: 'hello-answer' }>;

const modeOf = (lone: Lone): string | undefined => lone.replica.status.join?.mode;
const begins = (effects: readonly Effect[]): boolean =>
  sentOf(effects).some(({ type }) => type === 'copy-begin');

/** Everything that is copied once live writes go to b too, in the order of the regions; nothing is answered. */
function caughtUp(lone: Lone): [Message['type'], Region][] {
  return copiesIn([...lone.step({ type: 'connect', target: 'b' }), ...lone.tick(20), ...lone.tick(20)]).sort(
    ([, a], [, b]) => a - b,
  );
}

t.test(
  'a quick join copies the union of the map and of what the target changed, and nothing else',
  async (t) => {
    const lone = solo([0, 1]);
    const { effects } = beginCopy(lone, {}, { changes: [1, 3], allocated: [0, 1, 2, 3] });
    t.equal(modeOf(lone), 'QUICK');
    t.strictSame(copiesIn(effects), [], 'nothing before live writes go to it too');
    t.strictSame(
      caughtUp(lone),
      [0, 1, 3].map((region) => ['copy-zero', region]),
    );
  },
);

t.test('the union is durable before the target is told to forget what it changed', async (t) => {
  const lone = solo([0]);
  lone.hold('persist');
  const { effects } = beginCopy(lone, {}, { changes: [2] });
  t.notOk(begins(effects));
  t.ok(begins(lone.answer('persist')));
  t.strictSame(lone.dirtyOf('b'), [0, 2]);
  t.match(lone.store.durable.tracked, [{ host: 'b', copying: 5, compare: false }]);
});

t.test(
  'a map is believed of a target that is of a generation it was kept for, and tells its changes',
  async (t) => {
    const cases: [string, Partial<Tracked>, Partial<HelloAnswer>, string][] = [
      ['of the generation', {}, { consistentAt: 4 }, 'QUICK'],
      ['of an older one', {}, { consistentAt: 3 }, 'COMPARE'],
      ['of a newer one', {}, { consistentAt: 5 }, 'COMPARE'],
      ['of the first of several', { since: 2, until: 4 }, { consistentAt: 2 }, 'QUICK'],
      ['of one before several', { since: 2, until: 4 }, { consistentAt: 1 }, 'COMPARE'],
      ['of none', { since: 0, until: 0 }, { consistentAt: 0 }, 'COMPARE'],
      ['of unknown changes that are covered', { covers: true }, { changesKnown: false }, 'QUICK'],
      ['of unknown changes', { covers: false }, { changesKnown: false }, 'COMPARE'],
      ['of changes that it tells', { covers: false }, { changesKnown: true }, 'QUICK'],
      ['of a map to compare by', { compare: true }, {}, 'COMPARE'],
    ];
    for (const [name, tracked, answer, mode] of cases) {
      const lone = solo([1], tracked);
      beginCopy(lone, answer);
      t.equal(modeOf(lone), mode, name);
    }
  },
);

t.test('without a map every region is compared', async (t) => {
  const { durable } = solo().store;
  const lone = new Lone('a', { ...durable, tracked: [] });
  const { effects } = beginCopy(lone);
  t.equal(modeOf(lone), 'COMPARE');
  t.strictSame(
    copiesIn([...effects, ...lone.tick(20)]),
    [0, 1, 2, 3].map((region) => ['copy-offer', region]),
  );
  t.match(lone.store.durable.tracked, [{ host: 'b', copying: 5, compare: true, covers: false }]);
  t.strictSame(lone.dirtyOf('b'), [0, 1, 2, 3]);
});

t.test('a region that is found equal is not sent, one that is not is', async (t) => {
  const lone = solo([], { until: 3, since: 3 });
  const { link } = beginCopy(lone);
  lone.tick(20);
  const answer = (region: Region, needed: boolean): Effect[] => {
    const message = { type: 'copy-answer', region, needed } as const;
    return lone.step({ type: 'frame', link, message, payload: undefined, intact: true });
  };
  t.strictSame(copiesIn(answer(0, false)), []);
  t.strictSame(copiesIn([...answer(1, true), ...lone.tick(20)]), [['copy-zero', 1]]);
});

t.test('a copy that broke off goes on by the map, whatever the target says of itself', async (t) => {
  const lone = solo([2], { copying: 5, since: 0, until: 0, covers: false });
  beginCopy(lone, { copyingSince: 5, consistentAt: 0, changesKnown: false });
  t.equal(modeOf(lone), 'QUICK');
  t.strictSame(caughtUp(lone), [['copy-zero', 2]]);
});

t.test('a copy that another primary, or an earlier reign, began is not gone on with', async (t) => {
  for (const [copying, copyingSince] of [
    [5, 4],
    [5, 0],
    [0, 0],
  ] as const) {
    const lone = solo([2], { copying, since: 0, until: 0, covers: false });
    beginCopy(lone, { copyingSince, consistentAt: 0, changesKnown: false });
    t.equal(modeOf(lone), 'COMPARE', `${String(copying)} and ${String(copyingSince)}`);
  }
});

t.test('a comparison that broke off goes on as a comparison of what is left', async (t) => {
  const lone = solo([1, 3], { copying: 5, compare: true });
  beginCopy(lone, { copyingSince: 5 });
  t.strictSame(
    caughtUp(lone),
    [1, 3].map((region) => ['copy-offer', region]),
  );
});

t.test('of a target whose disk failed nothing is believed equal: it is sent all', async (t) => {
  const lone = solo([], { until: 3, since: 3 });
  const { effects } = beginCopy(lone, { distrusted: true });
  t.strictSame(
    copiesIn([...effects, ...lone.tick(20)]),
    [0, 1, 2, 3].map((region) => ['copy-zero', region]),
  );
  const resumed = solo([1, 3], { copying: 5, compare: true });
  beginCopy(resumed, { copyingSince: 5, distrusted: true });
  t.strictSame(
    caughtUp(resumed),
    [1, 3].map((region) => ['copy-zero', region]),
  );
});

t.test('a blank target gets what is allocated and not zeroes', async (t) => {
  const lone = solo();
  lone.regions.set(2, new Uint8Array(REGION_BYTES).fill(7));
  const { effects } = beginCopy(lone, { blank: true }, { allocated: [0, 2] });
  t.equal(modeOf(lone), 'SEED');
  const all = [...effects, ...lone.tick(20)];
  t.strictSame(
    all.flatMap((effect) => (effect.type === 'read-region' ? [[effect.region, effect.from]] : [])),
    [0, 2].map((region) => [region, 'snapshot']),
  );
  t.strictSame(copiesIn(all), [['copy-data', 2]]);
  t.match(lone.store.durable.tracked, [{ host: 'b', copying: 5, compare: false }]);
});

t.test('a copy by a map takes no snapshot', async (t) => {
  const lone = solo([1]);
  const { effects } = beginCopy(lone);
  t.equal(modeOf(lone), 'QUICK');
  t.notOk(effects.some(({ type }) => type === 'take-snapshot'));
  lone.step({ type: 'snapshot-gone' });
  t.strictSame(caughtUp(lone), [['copy-zero', 1]], 'nor does the end of one concern it');
});

t.test('a copy that reads a snapshot ends with it', async (t) => {
  const lone = solo();
  lone.hold('read-region');
  const { effects } = beginCopy(lone, { blank: true }, { allocated: [0] });
  t.ok(effects.some(({ type }) => type === 'take-snapshot'));
  lone.step({ type: 'snapshot-gone' });
  t.match(lone.replica.status.join, { phase: 'FAILED', error: /snapshot/ });
});

t.test('a copy whose snapshot cannot be taken ends, and says why', async (t) => {
  const lone = solo();
  lone.hold('take-snapshot');
  beginCopy(lone, { blank: true });
  lone.answer('take-snapshot', { failure: 'ENOSPC' });
  t.match(lone.replica.status.join, { phase: 'FAILED', error: /snapshot.*ENOSPC/ });
});

t.test('zeroes are sent to a target that held something', async (t) => {
  const lone = solo([1]);
  beginCopy(lone);
  t.strictSame(caughtUp(lone), [['copy-zero', 1]]);
});

t.test('what changed since the snapshot is read as it is now, not from the snapshot', async (t) => {
  const lone = solo();
  const { effects } = beginCopy(lone, { blank: true }, { allocated: [0, 1], changed: [1, 3] });
  lone.write(1, 2);
  t.strictSame(
    [...effects, ...lone.tick(20)].flatMap((effect) =>
      effect.type === 'read-region' ? [effect.region] : [],
    ),
    [0],
  );
  t.strictSame(
    caughtUp(lone),
    [1, 2, 3].map((region) => ['copy-zero', region]),
  );
});

t.test('a write that was in flight when the snapshot was taken is copied', async (t) => {
  const lone = solo();
  lone.hold('disk-write');
  lone.write(1, 2);
  beginCopy(lone, { blank: true });
  lone.answer('disk-write');
  t.strictSame(caughtUp(lone), [['copy-zero', 2]]);
  t.ok(lone.dirtyOf('b').includes(2));
});

t.test('a write that is in flight when live writes begin is copied', async (t) => {
  const lone = solo();
  beginCopy(lone, { blank: true });
  lone.hold('disk-write');
  lone.write(1, 2);
  t.strictSame(caughtUp(lone), [], 'not before it is written');
  t.strictSame(copiesIn(lone.answer('disk-write')), [['copy-zero', 2]]);
});

t.test(
  'a region is read for a copy when no write to it is under way, and none is taken until it was sent',
  async (t) => {
    const lone = solo([1]);
    beginCopy(lone);
    lone.hold('disk-write');
    lone.write(1, 1);
    lone.hold('read-region');
    const reads = (effects: readonly Effect[]): boolean => effects.some(({ type }) => type === 'read-region');
    t.notOk(reads(lone.step({ type: 'connect', target: 'b' })));
    t.notOk(
      sentOf(lone.write(2, 1)).some(({ type }) => type === 'write'),
      'what comes now waits',
    );
    t.match(sentOf(lone.write(3, 2)), [{ type: 'write' }], 'elsewhere it does not');
    t.ok(reads(lone.answer('disk-write')));
    t.strictSame(sentOf(lone.write(4, 1)), []);
    t.match(sentOf(lone.answer('read-region')), [
      { type: 'copy-zero', region: 1 },
      { type: 'write', offset: REGION_BYTES },
      { type: 'write', offset: REGION_BYTES },
    ]);
  },
);

t.test('a region that cannot be read ends the copy, not the primary', async (t) => {
  const lone = solo([1]);
  beginCopy(lone);
  lone.hold('read-region');
  lone.step({ type: 'connect', target: 'b' });
  lone.answer('read-region', { failure: 'EIO' });
  t.match(lone.replica.status.join, { phase: 'FAILED', error: /region 1 cannot be read/ });
  t.equal(lone.replica.state, 'SOLO');
  t.strictSame(lone.dirtyOf('b'), [1]);
});

t.test('a candidate reports that it is one once that is durable, and for which generation', async (t) => {
  const lone = target();
  lone.hold('persist');
  lone.hear(1, { type: 'candidate', generation: 5, proposedGeneration: 6, sequence: 0 });
  t.equal(lone.replica.status.candidateFor, 0);
  lone.answer('persist');
  t.equal(lone.replica.status.candidateFor, 6);
});

t.test('a candidate whose disk failed a flush is none after a restart of its process', async (t) => {
  const whole = completeState({ generation: 5, primary: 'a', inSync: ['a'] });
  const durable = { ...whole, complete: false, candidateFor: 6 };
  t.match(new Lone('b', durable).replica.status, { state: 'JOINING', candidateFor: 6 });
  const failed = new Lone('b', { ...durable, flushFailedIn: durable.bootId });
  t.match(failed.replica.status, { state: 'STALE', candidateFor: 0 });
});
