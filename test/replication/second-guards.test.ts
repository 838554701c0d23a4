/** What stands behind another guard, so that no run of two sound replicas ever comes to it. */
import t from 'tap';
import type { Message } from '../../daemon/replication/messages.ts';
import { completeState, hello, Lone } from '../support/harness/lone.ts';

const both = { generation: 5, primary: 'a', inSync: ['a', 'b'] };
const write = (sequence: number): Message => ({
  type: 'write',
  generation: 5,
  sequence,
  offset: 0,
  length: 512,
  kind: 'trim',
  stableSequence: 0,
});

t.test('a write that is sent again is not applied again, and ends no link', async (t) => {
  const lone = new Lone('b', completeState(both));
  lone.hear(1, hello('a', 5, 'recover'));
  lone.hear(1, write(1));
  const again = lone.step({ type: 'frame', link: 1, message: write(1), payload: undefined, intact: true });
  t.strictSame(again, []);
  t.match(lone.hear(1, write(2)), [{ type: 'write-answer', appliedSequence: 2 }]);
});

t.test(
  'a joining replica is promoted only by the generation after the one it is a candidate for',
  async (t) => {
    for (const [candidateFor, state] of [
      [4, 'JOINING'],
      [5, 'PROMOTING'],
      [6, 'JOINING'],
    ] as const) {
      const lone = new Lone('b', {
        ...completeState({ ...both, inSync: ['a'] }),
        complete: false,
        candidateFor,
      });
      lone.step({ type: 'view', view: { generation: 6, primary: 'b', inSync: ['b'] }, explicit: true });
      t.equal(lone.replica.state, state, `candidate for ${candidateFor}`);
    }
  },
);
