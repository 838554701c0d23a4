/** A region that the primary's own disk cannot read is fetched from a secondary, written anew, and read again. */
import t from 'tap';
import type { Effect } from '../../daemon/replication/interface.ts';
import type { Message } from '../../daemon/replication/messages.ts';
import { REGION_BYTES, type Region } from '../../daemon/replication/units.ts';
import { helloAnswer, type Lone, repliesOf, sentOf } from '../support/harness/lone.ts';
import { grant, joined, serving, solo } from '../support/harness/roles.ts';

const whole = new Uint8Array(REGION_BYTES).fill(9);
const fetched = (region: Region): Message => ({ type: 'fetched', region });
const hears = (lone: Lone, link: number, message: Message, payload?: Uint8Array): Effect[] =>
  lone.step({ type: 'frame', link, message, payload, intact: true });
const typesOf = (effects: readonly Effect[]): string[] => effects.map(({ type }) => type);
const fetchesIn = (effects: readonly Effect[]): Region[] =>
  sentOf(effects).flatMap((message) => (message.type === 'fetch' ? [message.region] : []));

/** A primary whose disk cannot read region 1; read 1 of it waits. */
function broken(): { lone: Lone; link: number; effects: Effect[] } {
  const { lone, links } = serving();
  lone.hold('disk-read');
  lone.read(1, 1);
  const effects = lone.answer('disk-read', { failure: 'EIO' });
  return { lone, link: links[0] ?? 0, effects };
}

t.test('a region that cannot be read is fetched, written anew and read again', async (t) => {
  const { lone, link, effects } = broken();
  t.match(sentOf(effects), [{ type: 'fetch', generation: 5, region: 1 }]);
  lone.hold('disk-write');
  const [write, ...rest] = hears(lone, link, fetched(1), whole);
  t.match(write, {
    type: 'disk-write',
    kind: 'data',
    offset: REGION_BYTES,
    length: REGION_BYTES,
    data: whole,
  });
  t.strictSame(rest, []);
  t.match(lone.answer('disk-write'), [{ type: 'repaired', region: 1, from: 'b' }, { type: 'disk-read' }]);
  t.match(repliesOf(lone.answer('disk-read')), [{ id: 1, ok: true }]);
  t.equal(lone.replica.status.repairedRegions, 1);
});

t.test('each region of a read is fetched, one after the other', async (t) => {
  const { lone, links } = serving();
  const [link = 0] = links;
  lone.hold('disk-read');
  lone.client(1, { kind: 'read', offset: REGION_BYTES - 512, length: 1024 });
  t.strictSame(fetchesIn(lone.answer('disk-read', { failure: 'EIO' })), [0]);
  const second = hears(lone, link, fetched(0), whole);
  t.strictSame(fetchesIn(second), [1]);
  t.notOk(typesOf(second).includes('disk-read'));
  t.ok(typesOf(hears(lone, link, fetched(1), whole)).includes('disk-read'));
});

t.test('a write to a region that is being repaired waits until it was written anew', async (t) => {
  const { lone, link } = broken();
  t.strictSame(sentOf(lone.write(2, 1)), []);
  t.match(sentOf(lone.write(3, 2)), [{ type: 'write' }], 'one to another does not');
  lone.hold('disk-write');
  hears(lone, link, fetched(1), whole);
  t.strictSame(sentOf(lone.write(4, 1)), []);
  t.match(sentOf(lone.answer('disk-write')), [
    { type: 'write', offset: REGION_BYTES },
    { type: 'write', offset: REGION_BYTES },
  ]);
});

t.test('writes to it that are in flight end before it is fetched', async (t) => {
  const { lone, links } = serving();
  const [link = 0] = links;
  lone.hold('disk-read');
  lone.hold('disk-write');
  lone.write(1, 1);
  lone.read(2, 1);
  t.strictSame(fetchesIn(lone.answer('disk-read', { failure: 'EIO' })), []);
  t.strictSame(fetchesIn(hears(lone, link, { type: 'write-answer', appliedSequence: 1 })), []);
  t.strictSame(fetchesIn([...lone.answer('disk-write'), ...lone.tick(20)]), [1]);
});

t.test('a read that fails again after its region was written anew makes the primary hand over', async (t) => {
  const { lone, link } = broken();
  hears(lone, link, fetched(1), whole);
  lone.write(2, 0);
  const effects = lone.answer('disk-read', { failure: 'EIO' });
  t.equal(lone.replica.state, 'FENCED');
  t.strictSame(repliesOf(effects), [
    { id: 1, ok: false, failure: 'ESHUTDOWN' },
    { id: 2, ok: false, failure: 'ESHUTDOWN' },
  ]);
  t.ok(typesOf(effects).lastIndexOf('reply') < typesOf(effects).indexOf('send'), 'then the lease ends');
  t.match(sentOf(effects), [{ type: 'yield', generation: 5 }]);
});

t.test('a disk that does not take the repaired region makes the primary hand over', async (t) => {
  const { lone, link } = broken();
  lone.hold('disk-write');
  hears(lone, link, fetched(1), whole);
  const effects = lone.answer('disk-write', { failure: 'EIO' });
  t.equal(lone.replica.state, 'FENCED');
  t.notOk(typesOf(effects).includes('repaired'));
  t.strictSame(repliesOf(effects), [{ id: 1, ok: false, failure: 'ESHUTDOWN' }]);
});

t.test('alone, nobody can help: the client is told EIO and the volume serves on', async (t) => {
  const lone = solo();
  lone.hold('disk-read');
  lone.read(1, 1);
  t.strictSame(repliesOf(lone.answer('disk-read', { failure: 'EIO' })), [
    { id: 1, ok: false, failure: 'EIO' },
  ]);
  t.equal(lone.replica.state, 'SOLO');
  t.match(repliesOf(lone.write(2, 1)), [{ id: 2, ok: true }]);
});

t.test('a fetch that the link did not survive is made again when the link is back', async (t) => {
  const { lone, link } = broken();
  lone.step({ type: 'link-closed', link });
  t.equal(lone.replica.state, 'HOLDING');
  const again = lone.connect('b');
  const effects = [...hears(lone, again, helloAnswer('b', 5)), ...lone.tick(20)];
  t.strictSame(fetchesIn(effects), [1]);
  grant(lone, [again]);
  hears(lone, again, fetched(1), whole);
  t.match(repliesOf(lone.answer('disk-read')), [{ id: 1, ok: true }]);
});

t.test('a read whose helper is gone for good is answered as it is, and writes go on', async (t) => {
  const { lone, link } = broken();
  lone.write(2, 1);
  lone.step({ type: 'link-closed', link });
  const view = { generation: 6, primary: 'a', inSync: ['a'] };
  const effects = lone.step({ type: 'view', view, explicit: false });
  t.equal(lone.replica.state, 'SOLO');
  t.strictSame(repliesOf(effects), [
    { id: 1, ok: false, failure: 'EIO' },
    { id: 2, ok: true },
  ]);
});

t.test('a write of a repair that is late harms nobody who came after it', async (t) => {
  const { lone, link } = broken();
  lone.hold('disk-write');
  hears(lone, link, fetched(1), whole);
  lone.step({ type: 'link-closed', link });
  lone.step({ type: 'view', view: { generation: 6, primary: 'a', inSync: ['a'] }, explicit: false });
  const late = lone.write(2, 1);
  t.notOk(typesOf(late).includes('disk-write'), 'the region is locked until what was fetched is written');
  const after = [...lone.answer('disk-write'), ...lone.tick(20)];
  t.match(
    after.find(({ type }) => type === 'disk-write'),
    { length: 512 },
  );
});

t.test('a write that is held is not overtaken by a later one that overlaps it', async (t) => {
  const { lone, link } = broken();
  const writing = (id: number, region: Region, regions: number): Effect[] =>
    lone.client(id, {
      kind: 'write',
      offset: region * REGION_BYTES,
      data: new Uint8Array(regions * REGION_BYTES),
      fua: false,
    });
  t.strictSame(sentOf(writing(2, 1, 2)), [], 'a part of it is being repaired');
  t.strictSame(sentOf(writing(3, 2, 1)), [], 'nothing is wrong with its own region');
  t.match(sentOf(writing(4, 3, 1)), [{ type: 'write', offset: 3 * REGION_BYTES }], 'apart from both');
  const sent = sentOf([
    ...hears(lone, link, fetched(1), whole),
    ...lone.answer('disk-read'),
    ...lone.tick(20),
  ]);
  const writes = sent.filter(({ type }) => type === 'write');
  t.match(writes, [{ offset: REGION_BYTES }, { offset: 2 * REGION_BYTES }]);
});

t.test('what was not asked for, or is not a whole region, ends the link', async (t) => {
  const cases: [string, Region, Uint8Array | undefined][] = [
    ['another region', 2, whole],
    ['half a region', 1, whole.subarray(512)],
    ['no bytes', 1, undefined],
  ];
  for (const [name, region, payload] of cases) {
    const { lone, link } = broken();
    const effects = hears(lone, link, fetched(region), payload);
    t.match(sentOf(effects), [{ type: 'refusal', reason: 'MALFORMED' }], name);
    t.notOk(typesOf(effects).includes('disk-write'), name);
    t.equal(lone.replica.state, 'HOLDING', name);
  }
  const { lone, link } = broken();
  lone.hold('disk-write');
  hears(lone, link, fetched(1), whole);
  t.match(sentOf(hears(lone, link, fetched(1), whole)), [{ type: 'refusal' }], 'twice');
});

t.test('a secondary answers a fetch in one stream with the writes, and says when it cannot', async (t) => {
  const lone = joined();
  const fetch = { type: 'fetch', generation: 6, region: 1 } as const;
  lone.hold('disk-write');
  const write = { type: 'write', generation: 6, sequence: 1, offset: REGION_BYTES, length: 512 } as const;
  hears(lone, 1, { ...write, kind: 'trim', stableSequence: 0 });
  t.strictSame(hears(lone, 1, fetch), []);
  t.match(lone.answer('disk-write'), [
    { type: 'read-region', region: 1, from: 'live' },
    { type: 'send', message: { type: 'fetched', region: 1 }, payload: new Uint8Array(REGION_BYTES) },
  ]);
  lone.hold('read-region');
  hears(lone, 1, fetch);
  t.match(sentOf(lone.answer('read-region', { failure: 'EIO' })), [{ type: 'refusal', reason: 'DISK' }]);
  t.match(joined().hear(1, { ...fetch, region: 4 }), [{ type: 'refusal', reason: 'MALFORMED' }]);
});

t.test(
  'a primary that gave up its volume answers the read of a repair once, and fetches no more',
  async (t) => {
    const { lone, link } = broken();
    const stepped = [
      ...lone.step({ type: 'step-down' }),
      ...hears(lone, link, { type: 'flush-answer', flushId: 1 }),
    ];
    t.equal(lone.replica.state, 'STEPPED_DOWN');
    t.strictSame(repliesOf(stepped), [{ id: 1, ok: false, failure: 'ESHUTDOWN' }]);
    const late = hears(lone, link, fetched(1), whole);
    t.notOk(typesOf(late).includes('disk-write'));
    t.strictSame(repliesOf(late), []);
  },
);
