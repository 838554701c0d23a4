/** Arbitrary messages, each with the payload that belongs to it. */
import fc from 'fast-check';
import type { Message } from '../../daemon/replication/messages.ts';
import { REGION_BYTES } from '../../daemon/replication/units.ts';

export interface Sent {
  readonly message: Message;
  readonly payload: Uint8Array | undefined;
}

const uint = fc.oneof(fc.nat(), fc.maxSafeNat());
const uint32 = fc.nat(0xffffffff);
const name = fc.string({ maxLength: 60, unit: 'grapheme' });
const names = fc.array(name, { maxLength: 3 });
const digest = fc.uint8Array({ minLength: 32, maxLength: 32 });

const helloAnswer = fc.record({
  type: fc.constant('hello-answer' as const),
  wireVersion: uint32,
  host: name,
  generation: uint,
  incarnation: uint,
  appliedSequence: uint,
  unstableKnown: fc.boolean(),
  blank: fc.boolean(),
  consistentAt: uint,
  copyingSince: uint,
  changesKnown: fc.boolean(),
  distrusted: fc.boolean(),
});

const bare: fc.Arbitrary<Message> = fc.oneof(
  fc.record({
    type: fc.constant('hello' as const),
    wireVersion: uint32,
    oldestVersion: uint32,
    volume: name,
    sizeBytes: uint,
    host: name,
    generation: uint,
    incarnation: uint,
    peerIncarnation: uint,
    intent: fc.constantFrom('resume' as const, 'recover' as const, 'join' as const),
    inSync: names,
  }),
  helloAnswer,
  fc.record({
    type: fc.constant('write' as const),
    generation: uint,
    sequence: uint,
    offset: uint,
    length: uint,
    kind: fc.constantFrom('trim' as const, 'zero' as const),
    stableSequence: uint,
  }),
  fc.record({ type: fc.constant('write-answer' as const), appliedSequence: uint }),
  fc.record({ type: fc.constant('flush' as const), generation: uint, flushId: uint }),
  fc.record({ type: fc.constant('flush-answer' as const), flushId: uint }),
  fc.record({
    type: fc.constant('heartbeat' as const),
    generation: uint,
    askedAtMs: uint,
    stableSequence: uint,
  }),
  fc.record({
    type: fc.constant('heartbeat-answer' as const),
    generation: uint,
    askedAtMs: uint,
    leaseMs: uint32,
  }),
  fc.record({ type: fc.constant('yield' as const), generation: uint }),
  fc.record({ type: fc.constant('fetch' as const), generation: uint, region: uint }),
  fc.record({ type: fc.constant('copy-begin' as const), generation: uint }),
  fc.record({ type: fc.constant('pull' as const), generation: uint }),
  fc.record({ type: fc.constant('pull-done' as const), appliedSequence: uint }),
  fc.record({ type: fc.constant('copy-offer' as const), generation: uint, region: uint, digest }),
  fc.record({ type: fc.constant('copy-zero' as const), generation: uint, region: uint }),
  fc.record({ type: fc.constant('copy-answer' as const), region: uint, needed: fc.boolean() }),
  fc.record({
    type: fc.constant('verify' as const),
    generation: uint,
    id: uint,
    region: uint,
    digest: fc.oneof(digest, fc.constant(new Uint8Array())),
  }),
  fc.record({
    type: fc.constant('verified' as const),
    id: uint,
    equal: fc.boolean(),
    soundness: fc.constantFrom('intact' as const, 'damaged' as const, 'unknown' as const),
  }),
  fc.record({
    type: fc.constant('verify-holes' as const),
    generation: uint,
    id: uint,
    region: uint,
    count: uint,
  }),
  fc.record({ type: fc.constant('verified-holes' as const), id: uint, count: uint }),
  fc.record({ type: fc.constant('scrubbed' as const), generation: uint, cursor: uint }),
  fc.record({ type: fc.constant('view' as const), generation: uint, primary: name, inSync: names }),
  fc.record({ type: fc.constant('view-answer' as const), generation: uint }),
  fc.record({
    type: fc.constant('candidate' as const),
    generation: uint,
    proposedGeneration: uint,
    sequence: uint,
  }),
  fc.record({ type: fc.constant('candidate-answer' as const), proposedGeneration: uint }),
  fc.record({
    type: fc.constant('refusal' as const),
    generation: uint,
    primary: name,
    reason: fc.constantFrom(
      'WIRE_VERSION' as const,
      'UNKNOWN_VOLUME' as const,
      'GENERATION' as const,
      'STATE' as const,
      'CHECKSUM' as const,
      'MALFORMED' as const,
      'INCARNATION' as const,
      'DISK' as const,
    ),
    message: name,
  }),
);

const data = fc.uint8Array({ minLength: 1, maxLength: 5000 });
const region = fc
  .uint8Array({ minLength: 8, maxLength: 8 })
  .map((seed) => new Uint8Array(REGION_BYTES).map((_, at) => (seed[at % 8] ?? 0) ^ (at >> 8)));

const carrying: fc.Arbitrary<Sent> = fc.oneof(
  fc
    .record({ generation: uint, sequence: uint, offset: uint, stableSequence: uint, data })
    .map(({ data: payload, ...rest }) => ({
      message: { type: 'write' as const, kind: 'data' as const, length: payload.length, ...rest },
      payload,
    })),
  fc
    .record({ generation: uint, region: uint, data: region })
    .map(({ data: payload, ...rest }) => ({ message: { type: 'copy-data' as const, ...rest }, payload })),
  fc
    .record({ region: uint, data: region })
    .map(({ data: payload, ...rest }) => ({ message: { type: 'pull-region' as const, ...rest }, payload })),
  fc
    .record({ region: uint, data: region })
    .map(({ data: payload, ...rest }) => ({ message: { type: 'fetched' as const, ...rest }, payload })),
  fc.record({ message: helloAnswer, payload: data }),
);

/** Of every type of message. */
export const sent: fc.Arbitrary<Sent> = fc.oneof(
  { arbitrary: bare.map((message) => ({ message, payload: undefined })), weight: 6 },
  { arbitrary: carrying, weight: 1 },
);
