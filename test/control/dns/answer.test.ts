import { Buffer } from 'node:buffer';
import type { RecordType } from 'dns-packet';
import fc from 'fast-check';
import t from 'tap';
import type { Rcode } from '../../../control/dns/answer.ts';
import { ask, askFor, OPT_1232, question, SETTINGS, ZONE } from './zone.ts';

type Row = readonly [name: string, type: RecordType, rcode: Rcode, answer: string, authority: string];
const table: readonly Row[] = [
  [`orders.${ZONE}`, 'A', 'NOERROR', 'A 127.0.0.11', ''],
  [`ORDERS.Db.lockstep.INTERNAL`, 'A', 'NOERROR', 'A 127.0.0.11', ''],
  [`orders.${ZONE}`, 'AAAA', 'NOERROR', '', 'SOA'],
  [`orders.${ZONE}`, 'TXT', 'NOERROR', '', 'SOA'],
  [`new.${ZONE}`, 'A', 'NOERROR', '', 'SOA'],
  [`new.${ZONE}`, 'AAAA', 'NOERROR', '', 'SOA'],
  [`torn.${ZONE}`, 'A', 'SERVFAIL', '', ''],
  [`torn.${ZONE}`, 'AAAA', 'SERVFAIL', '', ''],
  [`never.${ZONE}`, 'A', 'NXDOMAIN', '', 'SOA'],
  [`a.orders.${ZONE}`, 'A', 'NXDOMAIN', '', 'SOA'],
  [`orders.a.${ZONE}`, 'A', 'NXDOMAIN', '', 'SOA'],
  [`ns.${ZONE}`, 'A', 'NOERROR', 'A 127.0.0.10', ''],
  [`ns.${ZONE}`, 'AAAA', 'NOERROR', '', 'SOA'],
  [ZONE, 'SOA', 'NOERROR', 'SOA', ''],
  [ZONE, 'NS', 'NOERROR', `NS ns.${ZONE}`, ''],
  [ZONE, 'A', 'NOERROR', '', 'SOA'],
  [ZONE, 'AXFR', 'REFUSED', '', ''],
  ['lockstep.internal', 'SOA', 'REFUSED', '', ''],
  ['example.com', 'A', 'REFUSED', '', ''],
  [`orders.x${ZONE}`, 'A', 'REFUSED', '', ''],
  ['.', 'NS', 'REFUSED', '', ''],
];

const render = (records: readonly { type: string; data?: unknown }[] | undefined): string =>
  (records ?? []).map(({ type, data }) => (typeof data === 'string' ? `${type} ${data}` : type)).join(', ');

for (const [name, type, rcode, answers, authorities] of table)
  t.test(`${name} ${type}: ${rcode} ${answers || 'no answer'}`, async (t) => {
    const { response, decoded } = askFor(question(name, type));
    t.equal(response.rcode, rcode);
    t.equal(render(decoded.answers), answers);
    t.equal(render(decoded.authorities), authorities);
    t.equal(decoded.flag_aa, rcode === 'NOERROR' || rcode === 'NXDOMAIN');
    t.equal(decoded.flag_ra, false);
    t.equal(decoded.flag_rd, true, 'repeated as it came');
    t.equal(decoded.id, 4711);
  });

t.test('the question comes back byte for byte', async (t) => {
  for (const name of [`oRdErS.${ZONE}`, `NEVER.db.LOCKSTEP.internal`, 'eXaMpLe.com']) {
    const packet = question(name, 'A');
    const { response } = askFor(packet);
    t.strictSame(response.packet.subarray(12, packet.length), packet.subarray(12));
  }
  const packet = question(`orders.${ZONE}`, 'A');
  packet[13] = 0xff;
  const { response } = askFor(packet);
  t.equal(response.rcode, 'NXDOMAIN');
  t.strictSame(response.packet.subarray(12, packet.length), packet.subarray(12));
});

t.test('the answer has the name as asked and the TTL of the settings', async (t) => {
  const { decoded } = askFor(question(`oRdErS.${ZONE}`, 'A'), { settings: { ...SETTINGS, ttlSeconds: 5 } });
  t.match(decoded.answers, [{ name: `oRdErS.${ZONE}`, ttl: 5, class: 'IN' }]);
});

t.test('what does not exist may be remembered no longer than what does', async (t) => {
  const { decoded } = askFor(question(`never.${ZONE}`, 'A'));
  t.match(decoded.authorities, [
    { name: ZONE, ttl: 1, data: { serial: 42, minimum: 1, mname: `ns.${ZONE}` } },
  ]);
});

t.test('a label that holds a dot is not taken for two labels', async (t) => {
  const packet = question(`orders-db.${ZONE.slice(3)}`, 'A');
  packet[12 + 7] = '.'.charCodeAt(0);
  t.equal(askFor(packet).response.rcode, 'REFUSED');
});

t.test('ANY gets one set of records', async (t) => {
  const any = (name: string) => {
    const packet = question(name, 'A');
    packet.writeUInt16BE(255, packet.length - 4);
    return askFor(packet);
  };
  t.equal(render(any(`orders.${ZONE}`).decoded.answers), 'A 127.0.0.11');
  t.equal(render(any(ZONE).decoded.answers), 'SOA');
  t.equal(render(any(`new.${ZONE}`).decoded.authorities), 'SOA');
});

t.test('classes other than IN are refused', async (t) => {
  for (const wanted of [3, 254, 255]) {
    const packet = question(`orders.${ZONE}`, 'A');
    packet.writeUInt16BE(wanted, packet.length - 2);
    t.equal(askFor(packet).response.rcode, 'REFUSED');
  }
});

t.test('opcodes other than QUERY are not implemented, and are repeated', async (t) => {
  for (const opcode of [1, 2, 4, 5, 15]) {
    const packet = question(`orders.${ZONE}`, 'A');
    packet.writeUInt16BE(opcode << 11, 2);
    const { response } = askFor(packet);
    t.equal(response.rcode, 'NOTIMP');
    t.equal(response.packet.readUInt16BE(2), 0x8000 | (opcode << 11) | 4);
  }
});

t.test('responses, whatever they say, and stumps get silence', async (t) => {
  const response = askFor(question(`orders.${ZONE}`, 'A')).response.packet;
  t.equal(ask(response), undefined);
  t.equal(ask(Buffer.alloc(0)), undefined);
  t.equal(ask(question(`orders.${ZONE}`, 'A').subarray(0, 11)), undefined);
});

const edit = (change: (packet: Buffer) => Buffer | void): Buffer => {
  const packet = question(`orders.${ZONE}`, 'A', { additionals: [OPT_1232] });
  return change(packet) ?? packet;
};
/** A question for a name of labels of these lengths. */
const withName = (lengths: readonly number[]): Buffer => {
  const labels = lengths.map((length) => Buffer.concat([Buffer.from([length]), Buffer.alloc(length, 'a')]));
  const packet = question(`orders.${ZONE}`, 'A');
  return Buffer.concat([packet.subarray(0, 12), ...labels, Buffer.from([0, 0, 1, 0, 1])]);
};
const OPT_BYTES = 11;
const broken: Readonly<Record<string, Buffer>> = {
  'no question': edit((p) => void p.writeUInt16BE(0, 4)),
  'two questions': edit((p) => void p.writeUInt16BE(2, 4)),
  'a question that is cut off': edit((p) => p.subarray(0, 20)),
  'a name that points at itself': edit((p) => void p.writeUInt16BE(0xc00c, 12)),
  'a label of a reserved kind': edit((p) => void p.writeUInt8(0x80, 12)),
  'a label of 70 bytes': withName([70]),
  'a name of 256 bytes': withName([63, 63, 63, 62]),
  'a record that is cut off': edit((p) => p.subarray(0, p.length - 1)),
  'a record that is not there': edit((p) => void p.writeUInt16BE(2, 10)),
  'bytes behind the last record': edit((p) => Buffer.concat([p, Buffer.from([0])])),
  'OPT twice': edit((p) => {
    p.writeUInt16BE(2, 10);
    return Buffer.concat([p, p.subarray(p.length - OPT_BYTES)]);
  }),
  'OPT as an answer': edit((p) => {
    p.writeUInt16BE(1, 6);
    p.writeUInt16BE(0, 10);
  }),
  'OPT of another name': edit((p) => {
    const start = p.length - OPT_BYTES;
    return Buffer.concat([p.subarray(0, start), Buffer.from([1, 0x61]), p.subarray(start)]);
  }),
  'an EDNS option that is cut off': edit((p) => {
    p.writeUInt16BE(3, p.length - 2);
    return Buffer.concat([p, Buffer.alloc(3)]);
  }),
};
for (const [what, packet] of Object.entries(broken))
  t.test(`malformed: ${what}`, async (t) => {
    const { response, decoded } = askFor(packet);
    t.equal(response.rcode, 'FORMERR');
    t.equal(response.packet.length, 12, 'a header and nothing else');
    t.equal(decoded.id, 4711);
  });

t.test('a name of 255 bytes is one', async (t) => {
  t.equal(askFor(withName([63, 63, 63, 61])).response.rcode, 'REFUSED');
});

t.test('a client that announces less than 512 bytes gets them all the same', async (t) => {
  const small = { ...OPT_1232, udpPayloadSize: 100 };
  const { response, decoded } = askFor(question(`never.${ZONE}`, 'A', { additionals: [small] }));
  t.ok(response.packet.length > 100);
  t.equal(decoded.flag_tc, false);
});

t.test('EDNS is echoed with our size and the DO bit, and only where it was sent', async (t) => {
  const sent = { ...OPT_1232, udpPayloadSize: 4096, flags: 0x8000, flag_do: true };
  const { decoded } = askFor(question(`orders.${ZONE}`, 'A', { additionals: [sent] }));
  t.match(decoded.additionals, [{ type: 'OPT', udpPayloadSize: 1232, ednsVersion: 0, flag_do: true }]);
  t.strictSame(askFor(question(`orders.${ZONE}`, 'A')).decoded.additionals, []);
});

t.test('options that nobody knows are no reason to fail', async (t) => {
  const packet = edit((p) => {
    p.writeUInt16BE(8, p.length - 2);
    return Buffer.concat([p, Buffer.from([0xff, 0xf0, 0, 4, 1, 2, 3, 4])]);
  });
  t.equal(askFor(packet).response.rcode, 'NOERROR');
});

t.test('a later version of EDNS gets BADVERS', async (t) => {
  const packet = question(`orders.${ZONE}`, 'A', { additionals: [{ ...OPT_1232, ednsVersion: 1 }] });
  const { response, decoded } = askFor(packet);
  t.equal(response.rcode, 'BADVERS');
  t.match(decoded.additionals, [{ type: 'OPT', extendedRcode: 1, ednsVersion: 0 }]);
  t.equal(response.packet.readUInt16BE(2) & 0xf, 0);
  t.strictSame(decoded.answers, []);
});

const LONG_ZONE = `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}`;
const LONG = { ...SETTINGS, zone: LONG_ZONE };

t.test('glue goes before the answer is truncated', async (t) => {
  const { decoded, response } = askFor(question(LONG_ZONE, 'NS'), { settings: LONG });
  t.ok(response.packet.length <= 512);
  t.equal(decoded.flag_tc, true, 'three names of 180 bytes do not fit in 512');
  const tcp = askFor(question(LONG_ZONE, 'NS'), { settings: LONG, transport: 'tcp' });
  t.match(tcp.decoded, { flag_tc: false, answers: [{ type: 'NS' }], additionals: [{ type: 'A' }] });
  const shorter = { ...SETTINGS, zone: LONG_ZONE.slice(45) };
  const glueless = askFor(question(shorter.zone, 'NS'), { settings: shorter });
  t.match(glueless.decoded, { flag_tc: false, answers: [{ type: 'NS' }], additionals: [] });
});

t.test('what does not fit is truncated over UDP, with the question and OPT kept', async (t) => {
  const plain = askFor(question(`never.${LONG_ZONE}`, 'A'), { settings: LONG });
  t.match(plain.decoded, { flag_tc: true, authorities: [], questions: [{ name: `never.${LONG_ZONE}` }] });
  t.ok(plain.response.packet.length <= 512);
  const roomy = askFor(question(`never.${LONG_ZONE}`, 'A', { additionals: [OPT_1232] }), { settings: LONG });
  t.match(roomy.decoded, { flag_tc: false, authorities: [{ type: 'SOA' }], additionals: [{ type: 'OPT' }] });
  const small = { ...OPT_1232, udpPayloadSize: 100 };
  const tiny = askFor(question(`never.${LONG_ZONE}`, 'A', { additionals: [small] }), { settings: LONG });
  t.match(tiny.decoded, { flag_tc: true, additionals: [{ type: 'OPT' }] });
});

t.test('garbage never throws, and gets a response or silence', async (t) => {
  const valid = edit(() => undefined);
  const garbage = fc.oneof(
    fc.uint8Array({ maxLength: 600 }),
    // A valid query with some bytes changed, and cut off somewhere, gets further into the parser.
    fc
      .tuple(
        fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 6 }),
        fc.nat(valid.length),
      )
      .map(([edits, length]) => {
        const packet = Buffer.from(valid);
        for (const [at, byte] of edits) packet[at] = byte;
        return packet.subarray(0, length);
      }),
  );
  fc.assert(
    fc.property(garbage, fc.constantFrom('udp' as const, 'tcp' as const), (bytes, transport) => {
      const packet = Buffer.from(bytes);
      const result = ask(packet, { transport });
      const isQuery = packet.length >= 12 && ((packet[2] ?? 0) & 0x80) === 0;
      if ((result !== undefined) !== isQuery) return false;
      if (result === undefined) return true;
      const { response, decoded } = result;
      return decoded.flag_qr && decoded.id === packet.readUInt16BE(0) && response.packet.length <= 1232;
    }),
    { numRuns: 3000 },
  );
  t.pass('it does not');
});
