/** Replicas of one volume that grows or shrinks: which sizes may meet, and what is asked of the end. */
import t from 'tap';
import type { Message } from '../../daemon/replication/messages.ts';
import { REGION_BYTES } from '../../daemon/replication/units.ts';
import {
  completeState,
  hello,
  helloAnswer,
  Lone,
  repliesOf,
  sentOf,
  SIZE_BYTES,
} from '../support/harness/lone.ts';
import { beginCopy, joined, serving, solo, staleCopy } from '../support/harness/roles.ts';

const LARGER = 2 * SIZE_BYTES;
const LAST = LARGER / REGION_BYTES - 1;
const grows = { type: 'resize', sizeBytes: LARGER } as const;
const refusal = [{ type: 'refusal', reason: 'STATE', message: /^size/ }];

/** With the size of the one that says so. */
const of = (message: Message, sizeBytes: number): Message => ({ ...message, sizeBytes }) as Message;

t.test('a member may be larger than its primary, and not smaller', async (t) => {
  for (const intent of ['recover', 'resume'] as const) {
    const larger = joined();
    larger.step(grows);
    t.match(larger.hear(2, hello('a', 6, intent, { mine: 1, yours: 7 })), [{ type: 'hello-answer' }], intent);
    const smaller = joined();
    t.match(smaller.hear(2, of(hello('a', 6, intent, { mine: 1, yours: 7 }), LARGER)), refusal, intent);
  }
});

t.test('a target ends where its primary ends: what it has beyond that nobody would copy', async (t) => {
  const larger = staleCopy();
  larger.step(grows);
  t.match(larger.hear(1, hello('a', 6, 'join')), refusal);
  t.match(larger.hear(1, of(hello('a', 6, 'join'), LARGER)), [{ type: 'hello-answer' }]);
  t.match(staleCopy().hear(1, of(hello('a', 6, 'join'), LARGER)), refusal);
});

t.test('a secondary takes writes to what was added, and none beyond its end', async (t) => {
  const write = { type: 'write', generation: 6, sequence: 1, offset: LAST * REGION_BYTES } as const;
  const message = { ...write, length: 512, kind: 'trim', stableSequence: 0 } as const;
  t.match(joined().hear(1, message), [{ type: 'refusal', reason: 'MALFORMED' }]);
  const lone = joined();
  lone.step(grows);
  t.match(lone.hear(1, message), [{ type: 'write-answer', appliedSequence: 1 }]);
});

t.test('what is written to the part that was added is marked in the map of who lacks it', async (t) => {
  const lone = solo([1]);
  lone.step(grows);
  t.match(repliesOf(lone.write(1, LAST)), [{ ok: true }]);
  t.strictSame([...(lone.replica.mayDiffer('b') as Iterable<number>)], [1, LAST]);
});

t.test('a primary says how large it is to whom it dials', async (t) => {
  const lone = new Lone('a', completeState({ generation: 5, primary: 'a', inSync: ['a', 'b'] }));
  lone.step(grows);
  const dial = lone.tick(200).find((effect) => effect.type === 'dial');
  const link = dial?.link ?? 0;
  t.match(sentOf(lone.step({ type: 'link-opened', link, peer: 'b' })), [
    { type: 'hello', sizeBytes: LARGER },
  ]);
});

t.test('a target is asked for its size anew when its source grows', async (t) => {
  const lone = solo([1]);
  const { link } = beginCopy(lone);
  t.match(lone.step(grows), [{ type: 'close-link', link }]);
  t.match(lone.replica.status.join, { phase: 'FAILED' });
});

t.test("what was unstable behind the end of a volume that is smaller now is nobody's matter", async (t) => {
  const secondary = joined();
  secondary.step(grows);
  const write = { type: 'write', generation: 6, length: 512, kind: 'trim', stableSequence: 0 } as const;
  secondary.hear(1, { ...write, sequence: 1, offset: 0 });
  secondary.hear(1, { ...write, sequence: 2, offset: LAST * REGION_BYTES });
  t.equal(secondary.replica.status.unstableRegions, 2);
  secondary.step({ type: 'resize', sizeBytes: SIZE_BYTES });
  t.equal(secondary.replica.status.unstableRegions, 1);
  t.throws(() => secondary.step({ type: 'resize', sizeBytes: LARGER + 512 }), {
    message: /whole number of regions/,
  });
});

t.test('a pull of what a larger member has behind the end is passed over', async (t) => {
  const lone = new Lone('a', completeState({ generation: 5, primary: 'a', inSync: ['a', 'b'] }));
  const link = lone.connect('b');
  lone.hear(link, helloAnswer('b', 5));
  const data = new Uint8Array(REGION_BYTES);
  const region = { type: 'pull-region', region: LAST } as const;
  const effects = lone.step({ type: 'frame', link, message: region, payload: data, intact: true });
  t.strictSame(effects, []);
  lone.hear(link, { type: 'pull-done', appliedSequence: 0 });
  t.equal(lone.replica.state, 'SERVING');
});

t.test('a scrub that runs ends where the volume becomes smaller', async (t) => {
  const { lone } = serving();
  lone.step({ type: 'scrub', anew: true });
  t.match(lone.replica.status.scrub, { phase: 'RUNNING' });
  lone.step({ type: 'resize', sizeBytes: SIZE_BYTES / 2 });
  t.match(lone.replica.status.scrub, { phase: 'FAILED', error: /smaller/ });
  t.equal(lone.replica.state, 'SERVING');
});
