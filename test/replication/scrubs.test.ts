/** A scrub of the primary: what it asks, what it makes of the answers, and what it leaves alone. */
import t from 'tap';
import type { Effect, ScrubStatus } from '../../daemon/replication/interface.ts';
import type { Message, Soundness } from '../../daemon/replication/messages.ts';
import { REGION_BYTES, type Region } from '../../daemon/replication/units.ts';
import { helloAnswer, type Lone, sentOf, SIZE_BYTES } from '../support/harness/lone.ts';
import { grant, serving, solo } from '../support/harness/roles.ts';

type Verify = Extract<Message, { type: 'verify' }>;

const REGIONS = SIZE_BYTES / REGION_BYTES;
const whole = new Uint8Array(REGION_BYTES).fill(9);
const typesOf = (effects: readonly Effect[]): string[] => effects.map(({ type }) => type);
const verifiesIn = (effects: readonly Effect[]): Verify[] =>
  sentOf(effects).filter((message) => message.type === 'verify');
const regionsIn = (effects: readonly Effect[]): Region[] => verifiesIn(effects).map(({ region }) => region);
const hears = (lone: Lone, link: number, message: Message, payload?: Uint8Array): Effect[] =>
  lone.step({ type: 'frame', link, message, payload, intact: true });

function scrubOf(lone: Lone): ScrubStatus {
  const { scrub } = lone.replica.status;
  if (scrub === undefined) throw new Error('there is no scrub');
  return scrub;
}

/** Primary a with b in sync, which has begun to scrub. */
function scrubbing(): { lone: Lone; link: number; effects: Effect[] } {
  const { lone, links } = serving();
  const [link = 0] = links;
  const effects = lone.step({ type: 'scrub', anew: false });
  return { lone, link, effects };
}

/** Time for what the rate holds back. */
const later = (lone: Lone): Effect[] => lone.tick(100);

/** b says so to each question in these effects; what follows. */
function answer(
  { lone, link }: { lone: Lone; link: number },
  effects: readonly Effect[],
  say: { equal?: boolean; soundness?: Soundness } = {},
): Effect[] {
  const { equal = true, soundness = 'unknown' } = say;
  return verifiesIn(effects).flatMap(({ id }) =>
    hears(lone, link, { type: 'verified', id, equal, soundness }),
  );
}

/** b agrees to everything that is asked until nothing is. */
function agree(
  on: { lone: Lone; link: number },
  effects: readonly Effect[],
  soundness: Soundness = 'unknown',
): Effect[] {
  const all: Effect[] = [];
  for (let next = effects; verifiesIn(next).length > 0;) {
    next = [...answer(on, next, { soundness }), ...later(on.lone)];
    all.push(...next);
    grant(on.lone, [on.link]);
  }
  return all;
}

t.test('every region is compared once, in the stream, and then the scrub is done', async (t) => {
  const { lone, link, effects } = scrubbing();
  const all = [...effects, ...agree({ lone, link }, effects)];
  t.strictSame(regionsIn(all), [0, 1, 2, 3]);
  t.match(scrubOf(lone), { phase: 'DONE', cursor: REGIONS, repairedRegions: 0, mismatchedRegions: 0 });
  t.notOk(typesOf(all).includes('disk-write'));
});

t.test(
  'a region is compared when the writes to it that are in flight are over, and not before',
  async (t) => {
    const { lone, links } = serving();
    const [link = 0] = links;
    lone.hold('disk-write');
    lone.write(1, 0);
    t.strictSame(regionsIn(lone.step({ type: 'scrub', anew: false })), []);
    t.strictSame(regionsIn(hears(lone, link, { type: 'write-answer', appliedSequence: 1 })), []);
    t.strictSame(regionsIn(lone.answer('disk-write')), [0]);
  },
);

t.test('a write waits while its region is read, and goes out behind the question', async (t) => {
  const { lone } = scrubbing();
  lone.step({ type: 'stop-scrub' });
  lone.hold('verify-region');
  lone.step({ type: 'scrub', anew: true });
  t.strictSame(sentOf(lone.write(1, 0)), []);
  t.match(sentOf(lone.write(2, 1)), [{ type: 'write' }], 'one to another does not');
  t.match(sentOf(lone.answer('verify-region')), [
    { type: 'verify', region: 0 },
    { type: 'write', offset: 0 },
  ]);
});

t.test('what differs and no checksum decides about is told, and nothing is changed', async (t) => {
  const { lone, link, effects } = scrubbing();
  const after = answer({ lone, link }, effects.slice(0, effects.findIndex(isVerify) + 1), { equal: false });
  const finding = { region: 0, differ: ['b'], damaged: [] };
  t.strictSame(
    after.filter(({ type }) => type === 'mismatch'),
    [{ type: 'mismatch', finding }],
  );
  t.match(scrubOf(lone), { mismatchedRegions: 1, mismatches: [finding], repairedRegions: 0 });
  t.notOk(sentOf(after).some(({ type }) => type.startsWith('copy-') || type === 'fetch'));
});

const isVerify = (effect: Effect): boolean => effect.type === 'send' && effect.message.type === 'verify';

t.test('a secondary that is damaged gets the region between two writes, and is compared again', async (t) => {
  const { lone, link, effects } = scrubbing();
  lone.regions.set(0, whole);
  lone.hold('read-region');
  const one = effects.slice(0, effects.findIndex(isVerify) + 1);
  answer({ lone, link }, one, { equal: false, soundness: 'damaged' });
  later(lone);
  t.strictSame(sentOf(lone.write(1, 0)), [], 'no write comes between what is read and what is sent');
  const sent = lone.answer('read-region');
  t.match(
    sentOf(sent).filter(({ type }) => type === 'copy-data' || type === 'write'),
    [{ type: 'copy-data', region: 0 }, { type: 'write' }],
  );
  const repaired = hears(lone, link, { type: 'copy-answer', region: 0, needed: false });
  t.match(repaired[0], { type: 'repaired', region: 0, host: 'b', from: 'a' });
  t.equal(scrubOf(lone).repairedRegions, 1);
  const after = hears(lone, link, { type: 'write-answer', appliedSequence: 1 });
  t.ok(regionsIn([...after, ...later(lone)]).includes(0));
});

t.test('a primary that is damaged fetches the region and writes it anew', async (t) => {
  const { lone, links } = serving();
  const [link = 0] = links;
  lone.soundness = 'damaged';
  const effects = lone.step({ type: 'scrub', anew: false });
  const one = effects.slice(0, effects.findIndex(isVerify) + 1);
  t.match(sentOf(answer({ lone, link }, one, { equal: false })), [{ type: 'fetch', region: 0 }]);
  const fetched = hears(lone, link, { type: 'fetched', region: 0 }, whole);
  t.match(fetched[0], { type: 'disk-write', offset: 0, data: whole });
  t.match(fetched[1], { type: 'repaired', region: 0, host: 'a', from: 'b' });
  t.match(scrubOf(lone), { repairedRegions: 1 });
  t.equal(lone.replica.status.repairedRegions, 0, 'no read of a client failed');
});

t.test('a region that stays damaged however often it is repaired is told in the end', async (t) => {
  const { lone, links } = serving();
  const [link = 0] = links;
  lone.soundness = 'damaged';
  let effects = lone.step({ type: 'scrub', anew: false });
  const fetched: Region[] = [];
  for (let turn = 0; turn < 60 && scrubOf(lone).phase === 'RUNNING'; turn++) {
    const next: Effect[] = [];
    for (const message of sentOf(effects))
      if (message.type === 'verify')
        next.push(
          ...hears(lone, link, { type: 'verified', id: message.id, equal: false, soundness: 'unknown' }),
        );
      else if (message.type === 'fetch') {
        fetched.push(message.region);
        next.push(...hears(lone, link, { type: 'fetched', region: message.region }, whole));
      }
    effects = [...next, ...later(lone)];
  }
  t.match(scrubOf(lone), { phase: 'DONE', mismatchedRegions: REGIONS });
  t.equal(fetched.filter((region) => region === 0).length, 3);
});

t.test('a region that is being written anew for a read is compared afterwards', async (t) => {
  const { lone, links } = serving();
  const [link = 0] = links;
  lone.hold('disk-read');
  lone.hold('disk-write');
  lone.read(1, 0);
  lone.answer('disk-read', { failure: 'EIO' });
  hears(lone, link, { type: 'fetched', region: 0 }, whole);
  t.strictSame(regionsIn(lone.step({ type: 'scrub', anew: false })), []);
  t.strictSame(regionsIn([...lone.answer('disk-write'), ...later(lone)]).slice(0, 1), [0]);
});

t.test('a region that a scrub is reading is written anew for a read afterwards', async (t) => {
  const { lone } = serving();
  lone.hold('verify-region');
  lone.hold('disk-read');
  lone.step({ type: 'scrub', anew: false });
  lone.read(1, 0);
  t.strictSame(sentOf(lone.answer('disk-read', { failure: 'EIO' })), []);
  const after = sentOf([...lone.answer('verify-region'), ...lone.tick(20)]);
  t.match(after.map(({ type }) => type).slice(0, 2), ['verify', 'fetch']);
});

t.test('a run of holes is one question, and what is no hole elsewhere is compared', async (t) => {
  const { lone, links } = serving();
  const [link = 0] = links;
  lone.runAt = (_first, count) => ({ areHoles: true, count });
  const [asked] = sentOf(lone.step({ type: 'scrub', anew: false }));
  t.match(asked, { type: 'verify-holes', region: 0, count: REGIONS });
  const id = asked?.type === 'verify-holes' ? asked.id : 0;
  const effects = hears(lone, link, { type: 'verified-holes', id, count: 1 });
  t.match(sentOf(effects)[0], { type: 'verify', region: 1 });
  t.match(
    sentOf([...effects, ...later(lone)]).find(({ type }) => type === 'verify-holes'),
    { region: 2, count: REGIONS - 2 },
  );
});

t.test('a look for holes leaves out what is being written, and waits for nobody', async (t) => {
  const { lone } = serving();
  lone.hold('disk-write');
  lone.write(1, 2);
  lone.runAt = (_first, count) => ({ areHoles: true, count });
  t.match(sentOf(lone.step({ type: 'scrub', anew: false })), [{ type: 'verify-holes', region: 0, count: 2 }]);
});

t.test('a link that is lost ends it; the next one goes on from there, also in another life', async (t) => {
  const { lone, link, effects } = scrubbing();
  const [first, second] = verifiesIn([...effects, ...later(lone)]);
  for (const id of [first?.id ?? 0, second?.id ?? 0])
    hears(lone, link, { type: 'verified', id, equal: true, soundness: 'unknown' });
  lone.step({ type: 'link-closed', link });
  t.match(scrubOf(lone), { phase: 'FAILED', cursor: 2, error: 'the link to b is down' });
  t.equal(lone.store.durable.scrubbedTo, 2);
  const again = lone.connect('b');
  hears(lone, again, helloAnswer('b', 5));
  grant(lone, [again]);
  t.strictSame(regionsIn(lone.step({ type: 'scrub', anew: false })), [2]);
});

t.test('one that ended is not gone on with', async (t) => {
  const on = scrubbing();
  agree(on, on.effects);
  t.equal(on.lone.store.durable.scrubbedTo, 0);
  t.strictSame(regionsIn([...on.lone.step({ type: 'scrub', anew: false })]).slice(0, 1), [0]);
});

t.test('now and then it tells how far it is, for whoever serves next', async (t) => {
  const { lone, link, effects } = scrubbing();
  const [first] = verifiesIn(effects);
  hears(lone, link, { type: 'verified', id: first?.id ?? 0, equal: true, soundness: 'unknown' });
  const told: Message[] = [];
  for (let turn = 0; turn < 110; turn++) {
    told.push(...sentOf(later(lone)).filter(({ type }) => type === 'scrubbed'));
    grant(lone, [link]);
  }
  t.strictSame(told, [{ type: 'scrubbed', generation: 5, cursor: 1 }]);
  t.equal(lone.store.durable.scrubbedTo, 1);
});

t.test('what a scrub asked that was stopped may be answered late', async (t) => {
  const { lone, link, effects } = scrubbing();
  lone.step({ type: 'stop-scrub' });
  t.match(scrubOf(lone), { phase: 'STOPPED' });
  lone.step({ type: 'scrub', anew: true });
  const after = answer({ lone, link }, effects, { equal: false });
  t.notOk(typesOf(after).includes('mismatch'), 'and is not taken for an answer to another question');
  t.equal(lone.replica.state, 'SERVING');
});

t.test('an answer to what was never asked ends the link', async (t) => {
  const messages: Message[] = [
    { type: 'verified', id: 99, equal: true, soundness: 'unknown' },
    { type: 'verified-holes', id: 99, count: 1 },
    { type: 'copy-answer', region: 0, needed: false },
  ];
  for (const message of messages) {
    const { lone, link } = scrubbing();
    t.match(sentOf(hears(lone, link, message)), [{ type: 'refusal', reason: 'MALFORMED' }], message.type);
  }
});

t.test('it is refused where nobody is in sync', async (t) => {
  const alone = solo();
  alone.step({ type: 'scrub', anew: false });
  t.match(scrubOf(alone), { phase: 'FAILED', error: /others in sync/ });
});

t.test('a copy to another replica goes first', async (t) => {
  const { lone, link, effects } = scrubbing();
  lone.step({ type: 'seed', target: 'c', snapshot: 's' });
  const after = [...answer({ lone, link }, effects), ...later(lone)];
  t.strictSame(regionsIn(after), []);
  t.equal(scrubOf(lone).phase, 'RUNNING');
});
