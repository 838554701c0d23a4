import t from 'tap';
import { type ReplicaState, transitions } from '../../daemon/replication/states.ts';
import { Core } from '../../daemon/replication/core.ts';
import { AssertionFailure } from '../../daemon/sys/errors.ts';
import { blankState, SIZE_BYTES } from '../support/harness/lone.ts';
import { TIMING } from '../support/harness/world.ts';

const states = Object.keys(transitions) as ReplicaState[];

function coreIn(state: ReplicaState): Core {
  const options = { volume: 'v', sizeBytes: SIZE_BYTES, host: 'a', incarnation: 1, bootId: '', ...TIMING };
  return new Core(options, blankState, state);
}

for (const from of states)
  t.test(`from ${from} a replica goes where the table says, and nowhere else`, async (t) => {
    for (const to of states.filter((state) => state !== from)) {
      const core = coreIn(from);
      const go = (): void => core.transition(to, 'a test');
      if (transitions[from].includes(to)) {
        go();
        t.match(core.effects, [{ type: 'state-changed', from, to, why: 'a test' }]);
      } else t.throws(go, AssertionFailure, `${from} to ${to}`);
      t.equal(core.state, transitions[from].includes(to) ? to : from);
    }
  });

t.test('to stay in a state is no transition', async (t) => {
  const core = coreIn('SOLO');
  core.transition('SOLO', 'another reason');
  t.strictSame(core.effects, []);
  t.equal(core.why, 'another reason');
});

t.test('every state can be reached from those in which a process starts', async (t) => {
  const reached = new Set<ReplicaState>(['BLANK']);
  for (const state of reached) for (const next of transitions[state]) reached.add(next);
  // A process also starts in these, by what is durable.
  for (const state of ['RECOVERING'] as const) reached.add(state);
  for (const state of reached) for (const next of transitions[state]) reached.add(next);
  t.strictSame([...reached].sort(), [...states].sort());
});

t.test('the generation never goes back', async (t) => {
  const core = coreIn('SOLO');
  core.persist({ view: { generation: 3, primary: 'a', inSync: ['a'] } }, () => undefined);
  t.throws(
    () => core.persist({ view: { generation: 2, primary: 'a', inSync: ['a'] } }, () => undefined),
    AssertionFailure,
  );
});

t.test('an effect is answered once', async (t) => {
  const core = coreIn('SOLO');
  core.persist({}, () => undefined);
  core.complete({ type: 'persisted', token: 1 });
  t.throws(() => core.complete({ type: 'persisted', token: 1 }), AssertionFailure);
});
