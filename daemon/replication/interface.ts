/**
 * The replica's machine seen from outside: events in, effects out. The machine reads no clock, opens no socket and
 * touches no disk; the daemon drives it with real ones (daemon/volume/), tests with virtual ones.
 *
 * An effect with a token is answered by exactly one event with that token, in any order among tokens. "Only after it
 * is durable" is always such a pair: what must wait for a `persist` or a `flush` is not emitted before its answer.
 */
import type { Message, Soundness, WriteKind } from './messages.ts';
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
  /** The host's start in which a flush failed that no copy has made good for; empty: none. */
  readonly flushFailedIn: string;
  /** The last generation in which it was complete; 0: it never was. What it holds, or its fallback, is as of then. */
  readonly consistentAt: Generation;
  /** A copy to it was begun and has not ended: its data is a mixture, and its fallback what it held before. */
  readonly mixed: boolean;
  /** The primary that keeps track of what this replica lacks, in this generation of it; `host` empty: nobody does. */
  readonly copyFrom: { readonly host: HostName; readonly generation: Generation };
  /** Replicas outside the in-sync set of which this one knows in which regions they may differ from it. */
  readonly tracked: readonly Tracked[];
  /**
   * As a primary of several: the member that it was pulling from, and began to write what that has. Others may lack that
   * until all are known to be equal again. Empty: nobody.
   */
  readonly pulledFrom: HostName;
  /** A scrub that has not ended has compared every region before this one; 0: there is none. It may be behind. */
  readonly scrubbedTo: Region;
}

/** The head of a dirty map. Its regions are kept beside it, in chunks: see `MapChange`. */
export interface Tracked {
  readonly host: HostName;
  /** The map is complete for what `host` held in any generation from `since` to `until`. */
  readonly since: Generation;
  readonly until: Generation;
  /** Nothing that `host` wrote up to then is unknown here: its own changes need not be asked for. */
  readonly covers: boolean;
  /** The generation of this replica in which a copy to `host` was begun that this map is kept for; 0: none was. */
  readonly copying: Generation;
  /** Its regions are not known to differ, only not known to be equal: they are compared first. */
  readonly compare: boolean;
}

/** Of a dirty map: `bits` has one bit for each of CHUNK_REGIONS regions, the first in bit 0 of byte 0. */
export interface MapChunk {
  /** Place of the chunk: its first region / CHUNK_REGIONS. */
  readonly at: number;
  readonly bits: Uint8Array;
}

/** A change of the dirty map of `host`. */
export interface MapChange {
  readonly host: HostName;
  /** What was kept of this map is forgotten first; chunks that are not named are then all clean. */
  readonly anew: boolean;
  readonly chunks: readonly MapChunk[];
}

/** What a replica finds on stable storage when its process starts. */
export interface KeptState {
  readonly durable: DurableState;
  readonly maps: ReadonlyMap<HostName, readonly MapChunk[]>;
  /** Regions of which the fallback keeps what they held. */
  readonly preserved: readonly Region[];
}

export type ClientRequest =
  /** `into`: where the disk may put the bytes. */
  | {
      readonly kind: 'read';
      readonly offset: number;
      readonly length: number;
      readonly into?: Uint8Array | undefined;
    }
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
  /** `soundness`: by the store's own checksum; 'damaged' also of what it cannot read, and then the digest is empty. */
  | {
      readonly type: 'region-verified';
      readonly token: number;
      readonly digest: Uint8Array;
      readonly soundness: Soundness;
    }
  /** So many regions, from the first that was asked for, are holes, or are not; at least one. */
  | { readonly type: 'run-found'; readonly token: number; readonly areHoles: boolean; readonly count: number }
  | { readonly type: 'persisted'; readonly token: number }
  /** Of the control store. `explicit`: said to this replica by a workflow, not merely repeated by a heartbeat. */
  | { readonly type: 'view'; readonly view: View; readonly explicit: boolean }
  | { readonly type: 'proposal-failed'; readonly reason: string }
  /**
   * Of the snapshot that was asked for. `allocated`: regions that may hold anything but zeroes; `changed`: those written
   * since it was taken. `failure`: there is none.
   */
  | {
      readonly type: 'snapshot-taken';
      readonly token: number;
      readonly allocated: readonly Region[];
      readonly changed: readonly Region[];
      readonly failure?: DiskFailure;
    }
  /** Copy to `target`; from the snapshot of this name, if what is copied is much. */
  | { readonly type: 'seed'; readonly target: HostName; readonly snapshot: string }
  /** Live writes go to the target from now on. */
  | { readonly type: 'connect'; readonly target: HostName }
  /** Said before the snapshot goes or is replaced: a copy that still reads it ends. */
  | { readonly type: 'snapshot-gone' }
  /** The disk could not make something stable that no flush had asked for: the next one fails. */
  | { readonly type: 'sync-failed' }
  /** Compare the replicas of the in-sync set. `anew`: from the first region, and not where a scrub broke off. */
  | { readonly type: 'scrub'; readonly anew: boolean }
  | { readonly type: 'stop-scrub' }
  /**
   * The store of this replica is larger now; those of the secondaries are before the primary's is. Or smaller, the
   * primary's first: nobody uses the volume, every replica is in sync and has nothing but holes beyond the new end.
   */
  | { readonly type: 'resize'; readonly sizeBytes: number }
  | { readonly type: 'step-down' }
  /** A person chose this replica, which may lack acknowledged writes, as the primary of `view`. */
  | { readonly type: 'force'; readonly view: View }
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
  | {
      readonly type: 'disk-read';
      readonly token: number;
      readonly offset: number;
      readonly length: number;
      readonly into?: Uint8Array | undefined;
    }
  | { readonly type: 'disk-flush'; readonly token: number }
  /** `digest`: its SHA-256 is wanted too; else the event's is empty. */
  | {
      readonly type: 'read-region';
      readonly token: number;
      readonly region: Region;
      readonly from: 'live' | 'snapshot';
      readonly digest: boolean;
    }
  /** The SHA-256 of a region as it is now, and whether it fits its checksum. Answered by region-verified. */
  | { readonly type: 'verify-region'; readonly token: number; readonly region: Region }
  /** What of these regions, from the first on, takes no space. Answered by run-found. */
  | { readonly type: 'find-run'; readonly token: number; readonly first: Region; readonly count: number }
  /**
   * The snapshot of this name, taken now if there is none, in place of any other. Until it goes, the first write to each
   * region keeps what the region held: it is asked for only where it is read. Answered by snapshot-taken.
   */
  | { readonly type: 'take-snapshot'; readonly token: number; readonly snapshot: string }
  /** The state and the changes of the maps become durable together, in the order of the effects. */
  | {
      readonly type: 'persist';
      readonly token: number;
      readonly durable: DurableState;
      readonly maps: readonly MapChange[];
    }
  /**
   * Keep what these regions hold now in the fallback, on stable storage; one that is kept already stays as it is.
   * Answered by disk-done.
   */
  | { readonly type: 'preserve'; readonly token: number; readonly regions: readonly Region[] }
  /** Write back what the fallback keeps, on stable storage, and keep it still. Answered by disk-done. */
  | { readonly type: 'revert'; readonly token: number }
  /** The fallback is of no use any more. Not answered; a process that finds one and is not `mixed` drops it too. */
  | { readonly type: 'drop-fallback' }
  /** A region that `host` could not read, or that a scrub found damaged there, was written anew as `from` has it. */
  | { readonly type: 'repaired'; readonly region: Region; readonly host: HostName; readonly from: HostName }
  /** A scrub found what it cannot repair. */
  | { readonly type: 'mismatch'; readonly finding: Mismatch }
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

/** SEED: what is allocated is sent. QUICK: what the dirty maps name is sent. COMPARE: every region is compared. */
export type JoinMode = 'SEED' | 'QUICK' | 'COMPARE';

export interface JoinStatus {
  readonly target: HostName;
  readonly phase: JoinPhase;
  readonly mode: JoinMode;
  readonly doneBytes: number;
  readonly leftBytes: number;
  readonly sentBytes: number;
  /** Over the last seconds; 0 while nothing is known. */
  readonly bytesPerSecond: number;
  /** What the rate is held to for the clients' sake; 0: to nothing. */
  readonly limitBytesPerSecond: number;
  readonly error: string;
}

/** FAILED: something came between, and `error` says what. The next scrub goes on where it was. */
export type ScrubPhase = 'RUNNING' | 'DONE' | 'STOPPED' | 'FAILED';

/** A region in which replicas differ, or that a checksum says is damaged, and no checksum says who is right. */
export interface Mismatch {
  readonly region: Region;
  /** Those whose bytes are not what the primary's are. */
  readonly differ: readonly HostName[];
  /** Those whose bytes do not fit their checksum, or cannot be read. */
  readonly damaged: readonly HostName[];
}

export interface ScrubStatus {
  readonly phase: ScrubPhase;
  /** Every region before it was compared. */
  readonly cursor: Region;
  readonly regionsTotal: number;
  /** In this scrub, and in this process of it. */
  readonly repairedRegions: number;
  readonly mismatchedRegions: number;
  /** The first of them. */
  readonly mismatches: readonly Mismatch[];
  /** What the rate is held to for the clients' sake; 0: to nothing. */
  readonly limitBytesPerSecond: number;
  readonly error: string;
}

/** Of a replica outside the in-sync set. */
export interface DirtyStatus {
  readonly host: HostName;
  readonly dirtyBytes: number;
  /** False: no map is kept, so that every region will be compared. */
  readonly isKnown: boolean;
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
  /** What a replica outside the in-sync set may lack: the most of `dirty`. */
  readonly lagBytes: number;
  readonly dirty: readonly DirtyStatus[];
  /** See DurableState. */
  readonly consistentAt: Generation;
  readonly mixed: boolean;
  readonly repairedRegions: number;
  readonly candidateFor: Generation;
  readonly hostRebooted: boolean;
  readonly appliedSequence: Sequence;
  readonly unstableRegions: number;
  readonly heldRequests: number;
  readonly join: JoinStatus | undefined;
  /** Undefined: none was begun by this process, and none broke off. */
  readonly scrub: ScrubStatus | undefined;
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
  /** How long one operation of a disk, here or at the peer, may take before that disk counts as failed. */
  readonly stallMs: number;
}
