/**
 * What two replicas of a volume say to each other, as values. daemon/wire/codec.ts puts them into the frames of
 * proto/lockstep/replication/v1/frame.proto; a payload travels beside its message.
 */
import type { Generation, HostName, Region, Sequence } from './units.ts';

export type HelloIntent = 'resume' | 'recover' | 'join';
export type WriteKind = 'data' | 'trim' | 'zero';
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
      readonly wireVersion: number;
      readonly volume: string;
      readonly sizeBytes: number;
      readonly host: HostName;
      readonly generation: Generation;
      readonly incarnation: number;
      readonly peerIncarnation: number;
      readonly intent: HelloIntent;
    }
  | {
      readonly type: 'hello-answer';
      readonly wireVersion: number;
      readonly host: HostName;
      readonly generation: Generation;
      readonly incarnation: number;
      readonly appliedSequence: Sequence;
      readonly unstableKnown: boolean;
      readonly blank: boolean;
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
  | {
      readonly type: 'view';
      readonly generation: Generation;
      readonly primary: HostName;
      readonly inSync: readonly HostName[];
    }
  | { readonly type: 'view-answer'; readonly generation: Generation }
  | { readonly type: 'candidate'; readonly generation: Generation; readonly proposedGeneration: Generation }
  | { readonly type: 'candidate-answer'; readonly proposedGeneration: Generation }
  | {
      readonly type: 'refusal';
      readonly generation: Generation;
      /** In that generation, as far as the refuser knows. */
      readonly primary: HostName;
      readonly reason: RefusalReason;
      readonly message: string;
    };

/** Raised when a frame changes its meaning. 1: the first. */
export const WIRE_VERSION = 1;
