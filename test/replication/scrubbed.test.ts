/** A secondary that is compared by a scrub. */
import t from 'tap';
import type { Message } from '../../daemon/replication/messages.ts';
import { REGION_BYTES } from '../../daemon/replication/units.ts';
import { sentOf } from '../support/harness/lone.ts';
import { joined } from '../support/harness/roles.ts';

const digest = new Uint8Array(32);
const verify: Message = { type: 'verify', generation: 6, id: 3, region: 1, digest };

t.test(
  'it compares in the order of the stream: after the writes before, and before those behind',
  async (t) => {
    const lone = joined();
    lone.hold('disk-write');
    const write = { type: 'write', generation: 6, offset: REGION_BYTES, length: 512, kind: 'trim' } as const;
    lone.hear(1, { ...write, sequence: 1, stableSequence: 0 });
    t.strictSame(lone.hear(1, verify), []);
    lone.hear(1, { ...write, sequence: 2, stableSequence: 0 });
    const after = lone.answer('disk-write');
    t.match(
      after.filter(({ type }) => type !== 'send'),
      [{ type: 'verify-region', region: 1 }, { type: 'disk-write' }],
    );
    t.match(sentOf(after), [{ type: 'verified', id: 3, equal: true, soundness: 'unknown' }]);
  },
);

t.test('it says what its own checksum says', async (t) => {
  const lone = joined();
  lone.soundness = 'damaged';
  t.match(lone.hear(1, { ...verify, digest: new Uint8Array(32).fill(1) }), [
    { type: 'verified', equal: false, soundness: 'damaged' },
  ]);
});

t.test('it says how many of the holes are holes here too', async (t) => {
  const lone = joined();
  const holes: Message = { type: 'verify-holes', generation: 6, id: 4, region: 1, count: 3 };
  lone.runAt = () => ({ areHoles: true, count: 2 });
  t.match(lone.hear(1, holes), [{ type: 'verified-holes', id: 4, count: 2 }]);
  lone.runAt = () => ({ areHoles: false, count: 2 });
  t.match(lone.hear(1, holes), [{ type: 'verified-holes', id: 4, count: 0 }]);
});

t.test('regions outside the volume end the link', async (t) => {
  const outside: Message[] = [
    { ...verify, region: 4 },
    { type: 'verify-holes', generation: 6, id: 4, region: 2, count: 3 },
    { type: 'verify-holes', generation: 6, id: 4, region: 2, count: 0 },
  ];
  for (const message of outside)
    t.match(joined().hear(1, message), [{ type: 'refusal', reason: 'MALFORMED' }]);
});

t.test('a region that a scrub repairs may be lost again until a flush covers a later write', async (t) => {
  const lone = joined();
  t.equal(lone.replica.status.unstableRegions, 0);
  lone.hear(1, { type: 'copy-zero', generation: 6, region: 1 });
  t.equal(lone.replica.status.unstableRegions, 1);
});

t.test('it keeps how far the scrub is, and goes on from there when it is primary', async (t) => {
  const lone = joined();
  lone.hear(1, { type: 'scrubbed', generation: 6, cursor: 3 });
  t.equal(lone.store.durable.scrubbedTo, 3);
  t.match(lone.replica.status.scrub, { phase: 'STOPPED', cursor: 3 });
  lone.hear(1, { type: 'scrubbed', generation: 6, cursor: 0 });
  t.equal(lone.replica.status.scrub, undefined);
});
