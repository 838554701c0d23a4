/** Which version of the frames two replicas speak, and what they say when there is none. */
import t from 'tap';
import {
  commonVersion,
  describeVersions,
  type Message,
  newestVersion,
  oldestVersion,
  wireVersions,
} from '../../daemon/replication/messages.ts';
import { completeState, hello, helloAnswer, Lone } from '../support/harness/lone.ts';

const both = { generation: 5, primary: 'a', inSync: ['a', 'b'] };

/** A hello of a daemon that speaks these versions. */
function helloOf(oldest: number, newest: number): Message {
  return { ...hello('a', 5, 'recover'), wireVersion: newest, oldestVersion: oldest } as Message;
}

t.test('two daemons speak the newest version that both know', async (t) => {
  t.equal(commonVersion({ oldest: 1, newest: 99 }), newestVersion);
  t.equal(commonVersion({ oldest: oldestVersion, newest: oldestVersion }), oldestVersion);
  t.equal(commonVersion({ oldest: newestVersion, newest: newestVersion + 5 }), newestVersion);
  t.equal(commonVersion({ oldest: newestVersion + 1, newest: newestVersion + 5 }), undefined);
  t.equal(commonVersion({ oldest: 0, newest: oldestVersion - 1 }), undefined);
});

t.test('every version has its reason', async (t) => {
  for (const [version, reason] of wireVersions) {
    t.match(reason, /\w+ \w+/);
    t.ok(describeVersions().includes(`${String(version)} (${reason})`));
  }
});

t.test('a hello of a daemon that also speaks newer versions is answered in the common one', async (t) => {
  const lone = new Lone('b', completeState(both));
  t.match(lone.hear(1, helloOf(1, newestVersion + 7)), [
    { type: 'hello-answer', wireVersion: newestVersion },
  ]);
});

t.test('a hello without a common version is refused with both ranges and the reasons', async (t) => {
  for (const [oldest, newest] of [
    [newestVersion + 1, newestVersion + 3],
    [0, oldestVersion - 1],
  ] as const) {
    const lone = new Lone('b', completeState(both));
    const [refusal] = lone.hear(1, helloOf(oldest, newest));
    t.match(refusal, { type: 'refusal', reason: 'WIRE_VERSION' });
    t.match(refusal, {
      message: `wire versions ${String(oldest)} to ${String(newest)}, here ${describeVersions()}`,
    });
    t.equal(lone.replica.state, 'SECONDARY');
    t.notOk(lone.replica.status.peerConnected);
  }
});

t.test('a primary says which versions it speaks', async (t) => {
  const lone = new Lone('a', completeState(both));
  const dial = lone.tick(200).find((effect) => effect.type === 'dial');
  const opened = lone.step({ type: 'link-opened', link: dial?.link ?? 0, peer: 'b' });
  t.match(opened, [{ message: { type: 'hello', wireVersion: newestVersion, oldestVersion } }]);
});

t.test(
  'an answer in a version that the primary does not speak ends the link, and nothing is built on it',
  async (t) => {
    for (const wireVersion of [oldestVersion - 1, newestVersion + 1]) {
      const lone = new Lone('a', completeState(both));
      const link = lone.connect();
      t.match(lone.hear(link, helloAnswer('b', 5, { wireVersion })), [
        { type: 'refusal', reason: 'MALFORMED', message: `version ${String(wireVersion)}` },
      ]);
      t.equal(lone.replica.state, 'RECOVERING');
      t.notOk(lone.replica.status.peerConnected);
    }
  },
);
