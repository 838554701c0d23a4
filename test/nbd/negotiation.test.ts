import { deepStrictEqual, ok } from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { decodeInfoRequest } from '../../daemon/nbd/handshake-codec.ts';
import { negotiate, negotiationStart } from '../../daemon/nbd/negotiation.ts';
import { infoData } from '../support/nbd-client.ts';

const { state: haggling } = negotiate(negotiationStart('off'), { kind: 'clientFlags', flags: 3 });

t.test('any option with any data gets an answer or ends the session, and never throws', async () => {
  const option = fc.oneof(fc.nat(12), fc.nat(0xffff_ffff));
  fc.assert(
    fc.property(option, fc.uint8Array({ maxLength: 64 }), (option, data) => {
      const step = negotiate(haggling, { kind: 'option', option, data: Buffer.from(data) });
      ok(step.effects.length > 0);
    }),
    { numRuns: 1000 },
  );
});

t.test('what a client asks of INFO and GO is read as it was written', async () => {
  const name = fc.string({ maxLength: 40, unit: 'grapheme' }).filter((text) => !text.includes('\0'));
  fc.assert(
    fc.property(name, fc.array(fc.nat(0xffff), { maxLength: 8 }), (name, infos) => {
      deepStrictEqual(decodeInfoRequest(infoData(name, infos)), { ok: true, value: { name, infos } });
    }),
  );
});

t.test('a cut or lengthened INFO is never taken for a whole one', async () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 20 }), fc.nat(40), fc.nat(40), (name, cut, more) => {
      const whole = infoData(name, [0, 3]);
      const other = Buffer.concat([whole.subarray(0, cut), Buffer.alloc(more, 'x')]);
      fc.pre(other.length !== whole.length);
      ok(!decodeInfoRequest(other).ok);
    }),
  );
});

t.test('an event that the state does not allow is a bug of ours', async (t) => {
  t.throws(() => negotiate(negotiationStart('off'), { kind: 'listed', entries: [] }), {
    name: 'AssertionFailure',
  });
  t.throws(() => negotiate(haggling, { kind: 'clientFlags', flags: 0 }), { name: 'AssertionFailure' });
});
