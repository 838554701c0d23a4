/** Whose copy a scrub takes for the right one. */
import t from 'tap';
import type { Soundness } from '../../daemon/replication/messages.ts';
import { judge, type Side, type Verdict } from '../../daemon/replication/verdict.ts';

const side = (host: string, soundness: Soundness, equal = true): Side => ({ host, soundness, equal });
const sound: Verdict = { type: 'sound' };
const undecided: Verdict = { type: 'undecided' };
const repair = (host: string, from: string): Verdict => ({ type: 'repair', host, from });

/** Of primary a and secondary b: their checksums, whether they are equal, and what follows. */
const two: readonly [Soundness, Soundness, 'equal' | 'differ', Verdict][] = [
  ['unknown', 'unknown', 'equal', sound],
  ['intact', 'intact', 'equal', sound],
  ['intact', 'unknown', 'equal', sound],
  ['unknown', 'intact', 'equal', sound],
  // A checksum that is wrong itself is made anew with the bytes.
  ['intact', 'damaged', 'equal', repair('b', 'a')],
  ['damaged', 'intact', 'equal', repair('a', 'b')],
  // Both have the bytes that one of them says are wrong.
  ['unknown', 'damaged', 'equal', undecided],
  ['damaged', 'unknown', 'equal', undecided],
  ['damaged', 'damaged', 'equal', undecided],
  ['unknown', 'unknown', 'differ', undecided],
  ['intact', 'intact', 'differ', undecided],
  ['damaged', 'damaged', 'differ', undecided],
  ['intact', 'unknown', 'differ', repair('b', 'a')],
  ['unknown', 'intact', 'differ', repair('a', 'b')],
  ['intact', 'damaged', 'differ', repair('b', 'a')],
  ['damaged', 'intact', 'differ', repair('a', 'b')],
  ['unknown', 'damaged', 'differ', repair('b', 'a')],
  ['damaged', 'unknown', 'differ', repair('a', 'b')],
];

for (const [primary, other, how, verdict] of two)
  t.test(`${primary} on the primary, ${other} on the secondary, and they ${how}`, async (t) => {
    t.strictSame(judge(side('a', primary), [side('b', other, how === 'equal')]), verdict);
  });

t.test('of three, one is repaired at a time, the primary first', async (t) => {
  const others = [side('b', 'intact', false), side('c', 'unknown')];
  t.strictSame(judge(side('a', 'unknown'), others), repair('a', 'b'));
});

t.test('of three, a secondary is repaired with what the primary has, which is what is proven', async (t) => {
  const others = [side('b', 'damaged', false), side('c', 'intact')];
  t.strictSame(judge(side('a', 'unknown'), others), repair('b', 'a'));
});

t.test('of three, those without a checksum are believed only where they are the same', async (t) => {
  const damaged = side('b', 'damaged', false);
  t.strictSame(judge(side('a', 'unknown'), [damaged, side('c', 'unknown')]), repair('b', 'a'));
  t.strictSame(judge(side('a', 'unknown'), [damaged, side('c', 'unknown', false)]), undecided);
  const both = [side('b', 'unknown', false), side('c', 'unknown', false)];
  t.strictSame(judge(side('a', 'damaged'), both), undecided);
});
