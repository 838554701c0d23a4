/**
 * The replica's machine seen from outside: events in, effects out. The machine reads no clock, opens no socket and
 * touches no disk; the daemon drives it with real ones (daemon/volume/), tests with virtual ones.
 *
 * An effect with a token is answered by exactly one event with that token, in any order among tokens. "Only after it
 * is durable" is always such a pair: what must wait for a `persist` or a `flush` is not emitted before its answer.
 */
import type { Message, WriteKind } from './messages.ts';
import type { Generation, HostName, Region, Sequence } from './units.ts';
import type { ReplicaState } from './states.ts';

/** Who is primary and who holds every acknowledged write; decided by the control store alone. */
export interface View {
  readonly generation: Generation;
  readonly primary: HostName;
  readonly inSync: readonly HostName[];
}

/** What a replica keeps on stable storage beside its data. */
export interface DurableState {
  readonly view: View;
  /** This replica holds every write acknowledged under `view`, and was in its in-sync set. */
  readonly complete: boolean;
  /** Nothing but zeroes: no write and no copy ever reached it. */
  readonly blank: boolean;
  /** As a joining replica: complete, should the control store say that this generation has it in the set. 0: none. */
  readonly candidateFor: Generation;
  /** As a primary: it may have asked for the next generation with this target, and has no answer. Empty: it has not. */
  readonly asking: HostName;
  /** Named primary, and not known to have waited out the lease that it granted to the one before. */
  readonly promoting: boolean;
  /** Of the host's last start in which the replica was known to hold every acknowledged write. */
  readonly bootId: string;
}

export type ClientRequest =
  | { readonly kind: 'read'; readonly offset: number; readonly length: number }
  | { readonly kind: 'write'; readonly offset: number; readonly data: Uint8Array; readonly fua: boolean }
  | { readonly kind: 'trim'; readonly offset: number; readonly length: number; readonly fua: boolean }
  | {
      readonly kind: 'zero';
      readonly offset: number;
      readonly length: number;
      readonly mayTrim: boolean;
      readonly fua: boolean;
    }
  | { readonly kind: 'flush' };

export type DiskFailure = 'EIO' | 'ENOSPC';
export type ClientResult =
  | { readonly ok: true; readonly data?: Uint8Array }
  | { readonly ok: false; readonly failure: DiskFailure | 'ESHUTDOWN' };

export type ReplicaEvent =
  | { readonly type: 'client'; readonly id: number; readonly request: ClientRequest }
  /** A connection this side dialled stands; the other end is `peer`. */
  | { readonly type: 'link-opened'; readonly link: number; readonly peer: HostName }
  | { readonly type: 'link-closed'; readonly link: number }
  /** `intact`: the payload's checksum is the frame's (true without a payload). */
  | {
      readonly type: 'frame';
      readonly link: number;
      readonly message: Message;
      readonly payload: Uint8Array | undefined;
      readonly intact: boolean;
    }
  | { readonly type: 'disk-done'; readonly token: number; readonly failure?: DiskFailure }
  | {
      readonly type: 'read-done';
      readonly token: number;
      readonly data?: Uint8Array;
      readonly failure?: DiskFailure;
    }
  /** `data` undefined: the region is all zeroes. */
  | {
      readonly type: 'region-done';
      readonly token: number;
      readonly data: Uint8Array | undefined;
      readonly digest: Uint8Array;
      readonly failure?: DiskFailure;
    }
  | { readonly type: 'persisted'; readonly token: number }
  /** Of the control store. `explicit`: said to this replica by a workflow, not merely repeated by a heartbeat. */
  | { readonly type: 'view'; readonly view: View; readonly explicit: boolean }
  | { readonly type: 'proposal-failed'; readonly reason: string }
  /** Copy a snapshot to `target`. `allocated`: regions of the snapshot that may hold anything but zeroes. */
  | { readonly type: 'seed'; readonly target: HostName; readonly allocated: readonly Region[] }
  /** `changed`: regions written since the snapshot was taken, read at the instant of this event. */
  | { readonly type: 'connect'; readonly target: HostName; readonly changed: readonly Region[] }
  /** Said before the snapshot goes or is replaced: a copy that still reads it ends. */
  | { readonly type: 'snapshot-gone' }
  | { readonly type: 'step-down' }
  | { readonly type: 'tick' }
  /** Everything that arrived together was stepped: answers that cover several events can be sent. */
  | { readonly type: 'batch-end' };

export type Effect =
  | { readonly type: 'reply'; readonly id: number; readonly result: ClientResult }
  | { readonly type: 'send'; readonly link: number; readonly message: Message; readonly payload?: Uint8Array }
  /** Open a connection to the peer; answered by link-opened, or by link-closed with the same number. */
  | { readonly type: 'dial'; readonly link: number; readonly peer: HostName }
  /** What was sent before still goes out. */
  | { readonly type: 'close-link'; readonly link: number }
  | {
      readonly type: 'disk-write';
      readonly token: number;
      readonly kind: WriteKind;
      readonly offset: number;
      readonly length: number;
      readonly data?: Uint8Array;
    }
  | { readonly type: 'disk-read'; readonly token: number; readonly offset: number; readonly length: number }
  | { readonly type: 'disk-flush'; readonly token: number }
  /** `digest`: its SHA-256 is wanted too; else the event's is empty. */
  | {
      readonly type: 'read-region';
      readonly token: number;
      readonly region: Region;
      readonly from: 'live' | 'snapshot';
      readonly digest: boolean;
    }
  | { readonly type: 'persist'; readonly token: number; readonly durable: DurableState }
  /** Ask the control store for the generation after `fromGeneration`. Answered by view or proposal-failed, or never. */
  | {
      readonly type: 'propose';
      readonly fromGeneration: Generation;
      readonly inSync: readonly HostName[];
      readonly hostRebooted: boolean;
      readonly reason: string;
    }
  | {
      readonly type: 'state-changed';
      readonly from: ReplicaState;
      readonly to: ReplicaState;
      readonly why: string;
    };

export type JoinPhase = 'SEEDING' | 'SEEDED' | 'CATCHING_UP' | 'ASKING' | 'DONE' | 'FAILED';

export interface JoinStatus {
  readonly target: HostName;
  readonly phase: JoinPhase;
  readonly doneBytes: number;
  readonly leftBytes: number;
  readonly sentBytes: number;
  readonly error: string;
}

export interface ReplicaStatus {
  readonly state: ReplicaState;
  /** As it is on stable storage. */
  readonly view: View;
  /** A sentence: what it waits for; empty when nothing. */
  readonly reason: string;
  readonly peerConnected: boolean;
  /** Since the last frame of the peer; 0 where there is no peer. */
  readonly peerSilenceMs: number;
  readonly leaseLeftMs: number;
  readonly lagBytes: number;
  readonly candidateFor: Generation;
  readonly hostRebooted: boolean;
  readonly appliedSequence: Sequence;
  readonly unstableRegions: number;
  readonly heldRequests: number;
  readonly join: JoinStatus | undefined;
}

export interface ReplicaOptions {
  readonly volume: string;
  readonly sizeBytes: number;
  readonly host: HostName;
  /** Drawn at the start of the process. */
  readonly incarnation: number;
  readonly bootId: string;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  /** How long the link to an in-sync peer may be gone before control is asked to go on without it. */
  readonly silenceMs: number;
}
