/**
 * The messages of two replicas as the protobuf messages of frame.proto, and back. PURE. What this version does not
 * know is refused; fields that it does not know are left alone, so that a newer hello can be read and answered.
 */
import { unreachable } from '../sys/errors.ts';
import type { HelloIntent, Message, RefusalReason, Soundness, WriteKind } from '../replication/messages.ts';
import { REGION_BYTES } from '../replication/units.ts';
import './protobuf.ts';
import { lockstep } from '../../proto/gen/lockstep/replication/v1/frame.js';

const v1 = lockstep.replication.v1;
export const { Frame } = v1;
export type Shape = lockstep.replication.v1.Frame.$Properties;

const intents = {
  resume: v1.HelloIntent.HELLO_INTENT_RESUME,
  recover: v1.HelloIntent.HELLO_INTENT_RECOVER,
  join: v1.HelloIntent.HELLO_INTENT_JOIN,
} as const satisfies Record<HelloIntent, number>;

const writeKinds = {
  data: v1.WriteKind.WRITE_KIND_DATA,
  trim: v1.WriteKind.WRITE_KIND_TRIM,
  zero: v1.WriteKind.WRITE_KIND_ZERO,
} as const satisfies Record<WriteKind, number>;

const soundnesses = {
  intact: v1.Soundness.SOUNDNESS_INTACT,
  damaged: v1.Soundness.SOUNDNESS_DAMAGED,
  unknown: v1.Soundness.SOUNDNESS_UNKNOWN,
} as const satisfies Record<Soundness, number>;

const refusalReasons = {
  WIRE_VERSION: v1.RefusalReason.REFUSAL_REASON_WIRE_VERSION,
  UNKNOWN_VOLUME: v1.RefusalReason.REFUSAL_REASON_UNKNOWN_VOLUME,
  GENERATION: v1.RefusalReason.REFUSAL_REASON_GENERATION,
  STATE: v1.RefusalReason.REFUSAL_REASON_STATE,
  CHECKSUM: v1.RefusalReason.REFUSAL_REASON_CHECKSUM,
  MALFORMED: v1.RefusalReason.REFUSAL_REASON_MALFORMED,
  INCARNATION: v1.RefusalReason.REFUSAL_REASON_INCARNATION,
  DISK: v1.RefusalReason.REFUSAL_REASON_DISK,
} as const satisfies Record<RefusalReason, number>;

/** The names of a table by the numbers of the wire. */
function namesOf<Name extends string>(numbers: Readonly<Record<Name, number>>): ReadonlyMap<number, Name> {
  return new Map((Object.keys(numbers) as Name[]).map((name) => [numbers[name], name]));
}

const intentNames = namesOf(intents);
const writeKindNames = namesOf(writeKinds);
const soundnessNames = namesOf(soundnesses);
const refusalReasonNames = namesOf(refusalReasons);

/** What the header of a message says; `checksum` is that of its payload. */
export function toShape(message: Message, checksum: number): Shape {
  switch (message.type) {
    case 'hello':
      return { hello: { ...message, intent: intents[message.intent], inSync: [...message.inSync] } };
    case 'hello-answer':
      return { helloAnswer: { ...message, checksum } };
    case 'write':
      return { write: { ...message, kind: writeKinds[message.kind], checksum } };
    case 'write-answer':
      return { writeAnswer: message };
    case 'flush':
      return { flush: message };
    case 'flush-answer':
      return { flushAnswer: message };
    case 'heartbeat':
      return { heartbeat: message };
    case 'heartbeat-answer':
      return { heartbeatAnswer: message };
    case 'yield':
      return { yield: message };
    case 'fetch':
      return { fetch: message };
    case 'fetched':
      return { fetched: { region: message.region, checksum } };
    case 'copy-begin':
      return { copyBegin: message };
    case 'pull':
      return { pull: message };
    case 'pull-region':
      return { pullRegion: { region: message.region, checksum } };
    case 'pull-done':
      return { pullDone: message };
    case 'copy-offer':
      return { copy: { ...message, kind: v1.CopyKind.COPY_KIND_OFFER } };
    case 'copy-data':
      return { copy: { ...message, kind: v1.CopyKind.COPY_KIND_DATA, checksum } };
    case 'copy-zero':
      return { copy: { ...message, kind: v1.CopyKind.COPY_KIND_ZERO } };
    case 'copy-answer':
      return { copyAnswer: message };
    case 'verify':
      return { verify: message };
    case 'verified':
      return { verified: { ...message, soundness: soundnesses[message.soundness] } };
    case 'verify-holes':
      return { verifyHoles: message };
    case 'verified-holes':
      return { verifiedHoles: message };
    case 'scrubbed':
      return { scrubbed: message };
    case 'view':
      return { view: { ...message, inSync: [...message.inSync] } };
    case 'view-answer':
      return { viewAnswer: message };
    case 'candidate':
      return { candidate: message };
    case 'candidate-answer':
      return { candidateAnswer: message };
    case 'refusal':
      return { refusal: { ...message, reason: refusalReasons[message.reason] } };
    default:
      return unreachable(message);
  }
}

interface Found {
  readonly message: Message;
  /** CRC-32 of its payload. */
  readonly checksum: number;
  /** What belongs to it; 'any' where the length is for the receiver to judge. */
  readonly payloadBytes: number | 'any';
}

const bare = (message: Message): Found => ({ message, checksum: 0, payloadBytes: 0 });

const withRegion = (message: Message, checksum: number | null | undefined): Found => ({
  message,
  checksum: checksum ?? 0,
  payloadBytes: REGION_BYTES,
});

/** The inverse of toShape; undefined for a message or an enum value that this version does not know. */
export function fromShape(shape: Shape): Found | undefined {
  // In the order of how often they come.
  if (shape.write) return writeFromShape(shape.write);
  if (shape.writeAnswer)
    return bare({ type: 'write-answer', appliedSequence: shape.writeAnswer.appliedSequence ?? 0 });
  if (shape.flush)
    return bare({
      type: 'flush',
      generation: shape.flush.generation ?? 0,
      flushId: shape.flush.flushId ?? 0,
    });
  if (shape.flushAnswer) return bare({ type: 'flush-answer', flushId: shape.flushAnswer.flushId ?? 0 });
  if (shape.copy) return copyFromShape(shape.copy);
  if (shape.copyAnswer)
    return bare({
      type: 'copy-answer',
      region: shape.copyAnswer.region ?? 0,
      needed: shape.copyAnswer.needed ?? false,
    });
  return (
    leaseFromShape(shape) ??
    scrubFromShape(shape) ??
    regionFromShape(shape) ??
    sessionFromShape(shape) ??
    membershipFromShape(shape)
  );
}

function writeFromShape(write: NonNullable<Shape['write']>): Found | undefined {
  const kind = writeKindNames.get(write.kind ?? 0);
  if (kind === undefined) return undefined;
  const message = {
    type: 'write',
    generation: write.generation ?? 0,
    sequence: write.sequence ?? 0,
    offset: write.offset ?? 0,
    length: write.length ?? 0,
    kind,
    stableSequence: write.stableSequence ?? 0,
  } as const;
  return { message, checksum: write.checksum ?? 0, payloadBytes: kind === 'data' ? message.length : 0 };
}

/** A copy: what was decoded is a view of what the socket is read into. */
function digestOf(bytes: Uint8Array | null | undefined): Uint8Array {
  return new Uint8Array(bytes ?? []);
}

function copyFromShape(copy: NonNullable<Shape['copy']>): Found | undefined {
  const place = { generation: copy.generation ?? 0, region: copy.region ?? 0 };
  switch (copy.kind) {
    case v1.CopyKind.COPY_KIND_OFFER:
      return bare({ type: 'copy-offer', ...place, digest: digestOf(copy.digest) });
    case v1.CopyKind.COPY_KIND_DATA:
      return withRegion({ type: 'copy-data', ...place }, copy.checksum);
    case v1.CopyKind.COPY_KIND_ZERO:
      return bare({ type: 'copy-zero', ...place });
    default:
      return undefined;
  }
}

function scrubFromShape({
  verify,
  verified,
  verifyHoles,
  verifiedHoles,
  scrubbed,
}: Shape): Found | undefined {
  if (verify) {
    const { generation, id, region, digest } = verify;
    const place = { generation: generation ?? 0, id: id ?? 0, region: region ?? 0 };
    return bare({ type: 'verify', ...place, digest: digestOf(digest) });
  }
  if (verified) {
    const soundness = soundnessNames.get(verified.soundness ?? 0);
    if (soundness === undefined) return undefined;
    return bare({ type: 'verified', id: verified.id ?? 0, equal: verified.equal ?? false, soundness });
  }
  if (verifyHoles) {
    const { generation, id, region, count } = verifyHoles;
    const place = { generation: generation ?? 0, id: id ?? 0, region: region ?? 0 };
    return bare({ type: 'verify-holes', ...place, count: count ?? 0 });
  }
  if (verifiedHoles)
    return bare({ type: 'verified-holes', id: verifiedHoles.id ?? 0, count: verifiedHoles.count ?? 0 });
  if (scrubbed)
    return bare({ type: 'scrubbed', generation: scrubbed.generation ?? 0, cursor: scrubbed.cursor ?? 0 });
  return undefined;
}

function leaseFromShape({ heartbeat, heartbeatAnswer }: Shape): Found | undefined {
  if (heartbeat)
    return bare({
      type: 'heartbeat',
      generation: heartbeat.generation ?? 0,
      askedAtMs: heartbeat.askedAtMs ?? 0,
      stableSequence: heartbeat.stableSequence ?? 0,
    });
  if (heartbeatAnswer)
    return bare({
      type: 'heartbeat-answer',
      generation: heartbeatAnswer.generation ?? 0,
      askedAtMs: heartbeatAnswer.askedAtMs ?? 0,
      leaseMs: heartbeatAnswer.leaseMs ?? 0,
    });
  return undefined;
}

function sessionFromShape({ hello, helloAnswer, refusal, yield: yielded }: Shape): Found | undefined {
  if (hello) return helloFromShape(hello);
  if (helloAnswer) return helloAnswerFromShape(helloAnswer);
  if (yielded) return bare({ type: 'yield', generation: yielded.generation ?? 0 });
  if (refusal) {
    const reason = refusalReasonNames.get(refusal.reason ?? 0);
    if (reason === undefined) return undefined;
    return bare({
      type: 'refusal',
      generation: refusal.generation ?? 0,
      primary: refusal.primary ?? '',
      reason,
      message: refusal.message ?? '',
    });
  }
  return undefined;
}

/** Regions that a primary asks of its secondary. */
function regionFromShape({ pull, pullRegion, pullDone, fetch, fetched }: Shape): Found | undefined {
  if (pull) return bare({ type: 'pull', generation: pull.generation ?? 0 });
  if (pullRegion)
    return withRegion({ type: 'pull-region', region: pullRegion.region ?? 0 }, pullRegion.checksum);
  if (pullDone) return bare({ type: 'pull-done', appliedSequence: pullDone.appliedSequence ?? 0 });
  if (fetch) return bare({ type: 'fetch', generation: fetch.generation ?? 0, region: fetch.region ?? 0 });
  if (fetched) return withRegion({ type: 'fetched', region: fetched.region ?? 0 }, fetched.checksum);
  return undefined;
}

function helloFromShape(hello: NonNullable<Shape['hello']>): Found | undefined {
  const intent = intentNames.get(hello.intent ?? 0);
  if (intent === undefined) return undefined;
  return bare({
    type: 'hello',
    wireVersion: hello.wireVersion ?? 0,
    oldestVersion: hello.oldestVersion ?? 0,
    volume: hello.volume ?? '',
    sizeBytes: hello.sizeBytes ?? 0,
    host: hello.host ?? '',
    generation: hello.generation ?? 0,
    incarnation: hello.incarnation ?? 0,
    peerIncarnation: hello.peerIncarnation ?? 0,
    intent,
    inSync: hello.inSync ?? [],
  });
}

function helloAnswerFromShape(answer: NonNullable<Shape['helloAnswer']>): Found {
  const message = {
    type: 'hello-answer',
    wireVersion: answer.wireVersion ?? 0,
    host: answer.host ?? '',
    generation: answer.generation ?? 0,
    incarnation: answer.incarnation ?? 0,
    appliedSequence: answer.appliedSequence ?? 0,
    unstableKnown: answer.unstableKnown ?? false,
    blank: answer.blank ?? false,
    consistentAt: answer.consistentAt ?? 0,
    copyingSince: answer.copyingSince ?? 0,
    changesKnown: answer.changesKnown ?? false,
    distrusted: answer.distrusted ?? false,
  } as const;
  return { message, checksum: answer.checksum ?? 0, payloadBytes: 'any' };
}

function membershipFromShape({
  copyBegin,
  view,
  viewAnswer,
  candidate,
  candidateAnswer,
}: Shape): Found | undefined {
  if (copyBegin) return bare({ type: 'copy-begin', generation: copyBegin.generation ?? 0 });
  if (view)
    return bare({
      type: 'view',
      generation: view.generation ?? 0,
      primary: view.primary ?? '',
      inSync: view.inSync ?? [],
    });
  if (viewAnswer) return bare({ type: 'view-answer', generation: viewAnswer.generation ?? 0 });
  if (candidate)
    return bare({
      type: 'candidate',
      generation: candidate.generation ?? 0,
      proposedGeneration: candidate.proposedGeneration ?? 0,
      sequence: candidate.sequence ?? 0,
    });
  if (candidateAnswer)
    return bare({ type: 'candidate-answer', proposedGeneration: candidateAnswer.proposedGeneration ?? 0 });
  return undefined;
}
