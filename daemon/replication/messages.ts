/**
 * What two replicas of a volume say to each other, as values. daemon/wire/codec.ts puts them into the frames of
 * proto/lockstep/replication/v1/frame.proto; a payload travels beside its message.
 */
import type { Generation, HostName, Region, Sequence } from './units.ts';

export type HelloIntent = 'resume' | 'recover' | 'join';
export type WriteKind = 'data' | 'trim' | 'zero';
/** What the checksum that a store keeps for a region says of its bytes; 'unknown': it keeps none. */
export type Soundness = 'intact' | 'damaged' | 'unknown';
export type RefusalReason =
  | 'WIRE_VERSION'
  | 'UNKNOWN_VOLUME'
  | 'GENERATION'
  | 'STATE'
  | 'CHECKSUM'
  | 'MALFORMED'
  | 'INCARNATION'
  | 'DISK';

export type Message =
  | {
      readonly type: 'hello';
      /** The newest that the sender speaks, and the oldest. */
      readonly wireVersion: number;
      readonly oldestVersion: number;
      readonly volume: string;
      readonly sizeBytes: number;
      readonly host: HostName;
      readonly generation: Generation;
      readonly incarnation: number;
      readonly peerIncarnation: number;
      readonly intent: HelloIntent;
      /** Of `generation`. */
      readonly inSync: readonly HostName[];
    }
  /** The payload of an answer to 'join' is the receiver's own changes since `consistentAt`: one bit for each region. */
  | {
      readonly type: 'hello-answer';
      /** The one that is spoken on this link. */
      readonly wireVersion: number;
      readonly host: HostName;
      readonly generation: Generation;
      readonly incarnation: number;
      readonly appliedSequence: Sequence;
      readonly unstableKnown: boolean;
      readonly blank: boolean;
      /** The generation that its data, with the changes of the payload, is of; 0: of none. */
      readonly consistentAt: Generation;
      /** The generation in which the asker began a copy to it that has not ended; 0: none of the asker's. */
      readonly copyingSince: Generation;
      /** The payload names all of its own changes. */
      readonly changesKnown: boolean;
      /** Its disk failed: what it reads may not be what is on stable storage, so that a comparison proves nothing. */
      readonly distrusted: boolean;
    }
  /** The payload is the data of kind 'data'. */
  | {
      readonly type: 'write';
      readonly generation: Generation;
      readonly sequence: Sequence;
      readonly offset: number;
      readonly length: number;
      readonly kind: WriteKind;
      readonly stableSequence: Sequence;
    }
  | { readonly type: 'write-answer'; readonly appliedSequence: Sequence }
  | { readonly type: 'flush'; readonly generation: Generation; readonly flushId: number }
  | { readonly type: 'flush-answer'; readonly flushId: number }
  | {
      readonly type: 'heartbeat';
      readonly generation: Generation;
      readonly askedAtMs: number;
      readonly stableSequence: Sequence;
    }
  | {
      readonly type: 'heartbeat-answer';
      readonly generation: Generation;
      readonly askedAtMs: number;
      readonly leaseMs: number;
    }
  /** The primary answers nothing any more under a lease that it was granted. */
  | { readonly type: 'yield'; readonly generation: Generation }
  /** A region that the primary cannot read; in one stream with the writes. */
  | { readonly type: 'fetch'; readonly generation: Generation; readonly region: Region }
  /** The payload is the whole region. */
  | { readonly type: 'fetched'; readonly region: Region }
  /** What the hello-answer told is on stable storage at the primary: from here on it alone tracks what is missing. */
  | { readonly type: 'copy-begin'; readonly generation: Generation }
  | { readonly type: 'pull'; readonly generation: Generation }
  /** The payload is the whole region. */
  | { readonly type: 'pull-region'; readonly region: Region }
  | { readonly type: 'pull-done'; readonly appliedSequence: Sequence }
  | {
      readonly type: 'copy-offer';
      readonly generation: Generation;
      readonly region: Region;
      readonly digest: Uint8Array;
    }
  /** The payload is the whole region. */
  | { readonly type: 'copy-data'; readonly generation: Generation; readonly region: Region }
  | { readonly type: 'copy-zero'; readonly generation: Generation; readonly region: Region }
  | { readonly type: 'copy-answer'; readonly region: Region; readonly needed: boolean }
  /** Of a scrub, in one stream with the writes. `digest` empty: the primary cannot read it. */
  | {
      readonly type: 'verify';
      readonly generation: Generation;
      readonly id: number;
      readonly region: Region;
      readonly digest: Uint8Array;
    }
  | { readonly type: 'verified'; readonly id: number; readonly equal: boolean; readonly soundness: Soundness }
  /** These regions are holes at the primary. */
  | {
      readonly type: 'verify-holes';
      readonly generation: Generation;
      readonly id: number;
      readonly region: Region;
      readonly count: number;
    }
  /** So many of them, from the first, are holes here too. */
  | { readonly type: 'verified-holes'; readonly id: number; readonly count: number }
  /** A scrub has compared every region before this one; 0: it has ended. */
  | { readonly type: 'scrubbed'; readonly generation: Generation; readonly cursor: Region }
  | {
      readonly type: 'view';
      readonly generation: Generation;
      readonly primary: HostName;
      readonly inSync: readonly HostName[];
    }
  | { readonly type: 'view-answer'; readonly generation: Generation }
  | {
      readonly type: 'candidate';
      readonly generation: Generation;
      readonly proposedGeneration: Generation;
      /** The last write that was sent. */
      readonly sequence: Sequence;
    }
  | { readonly type: 'candidate-answer'; readonly proposedGeneration: Generation }
  | {
      readonly type: 'refusal';
      readonly generation: Generation;
      /** In that generation, as far as the refuser knows. */
      readonly primary: HostName;
      readonly reason: RefusalReason;
      readonly message: string;
    };

/** Of one frame: a client's largest write. */
export const MAX_PAYLOAD_BYTES = 32 * 1024 * 1024;

/** Every version of the frames, and why there is one. A daemon speaks all that stand here. */
export const wireVersions: ReadonlyMap<number, string> = new Map([
  [4, 'payloads are checked by CRC-32, in half the time of CRC-32C'],
]);

/** The newest version that both sides speak; undefined: there is none. */
export function commonVersion(theirs: {
  readonly oldest: number;
  readonly newest: number;
}): number | undefined {
  const common = [...wireVersions.keys()].filter(
    (version) => version >= theirs.oldest && version <= theirs.newest,
  );
  return common.length === 0 ? undefined : Math.max(...common);
}

export const newestVersion = Math.max(...wireVersions.keys());
export const oldestVersion = Math.min(...wireVersions.keys());

/** What this side speaks, for people: each version with its reason. */
export function describeVersions(): string {
  return [...wireVersions].map(([version, reason]) => `${String(version)} (${reason})`).join(', ');
}
