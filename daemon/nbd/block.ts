/**
 * What the NBD server asks of what stands behind an export. The replica's driver implements it; tests put a plain
 * buffer behind it.
 */

/** In bytes. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** Offsets and lengths are bytes, already checked to lie inside the export. */
export type BlockRequest =
  /** `into`: of that length, where whoever answers may put the bytes in place of a buffer of its own. */
  | { readonly kind: 'read'; readonly offset: number; readonly length: number; readonly into?: Buffer }
  | { readonly kind: 'write'; readonly offset: number; readonly data: Buffer; readonly fua: boolean }
  /** Reads as zeroes afterwards; the space is given back where the store can. */
  | { readonly kind: 'trim'; readonly offset: number; readonly length: number; readonly fua: boolean }
  /** Reads as zeroes afterwards; `mayTrim` false is NBD_CMD_FLAG_NO_HOLE: the space stays allocated. */
  | {
      readonly kind: 'zero';
      readonly offset: number;
      readonly length: number;
      readonly mayTrim: boolean;
      readonly fua: boolean;
    }
  /** Everything acknowledged before on any connection is on stable storage when it is answered. */
  | { readonly kind: 'flush' };

export type BlockFailure = 'EIO' | 'ENOSPC' | 'EPERM' | 'EINVAL' | 'ESHUTDOWN' | 'ENOMEM';

export type BlockResult =
  /** `data` is present for a read and is then exactly the length asked for. */
  { readonly ok: true; readonly data?: Buffer } | { readonly ok: false; readonly failure: BlockFailure };

/** A hole takes no space, and reads as zeroes. */
export interface Extent extends ByteRange {
  readonly kind: 'data' | 'hole';
}

/** What a range is compared with: the peer's copy, or the volume as a snapshot shows it. */
export interface DifferenceSource {
  readonly kind: 'dirty' | 'diff';
  /** The peer's host, or the snapshot. */
  readonly name: string;
}

export interface Difference extends ByteRange {
  /** False: known to be equal. */
  readonly differs: boolean;
}

export interface BlockBackend {
  readonly sizeBytes: number;
  /** What NBD_CMD_FLAG_FAST_ZERO asks for is true now: space that is given back is zeroed faster than it is written. */
  readonly zeroesFast: boolean;
  /**
   * Calls `done` exactly once, now or later, perhaps much later: a request is held, not failed, while it is not
   * decided who serves. Requests of one connection may be answered in any order; of changes that overlap, the one
   * that was submitted later is the one that stays, whichever connections they came on.
   */
  submit(request: BlockRequest, done: (result: BlockResult) => void): void;
  /**
   * Answers a function that tells whether the bytes of the writes that were answered until now are read by nobody any
   * more: they may still be on their way to another host. Absent: nobody keeps them.
   */
  sending?(): () => boolean;
  /** What the range is made of, in order and without gaps. Read at the time of the call, and only as far as needed. */
  extents(range: ByteRange): Iterable<Extent>;
  /** Like `extents`; undefined where nothing of that name is there any more. */
  differences(source: DifferenceSource, range: ByteRange): Iterable<Difference> | undefined;
  /** A hint that the range is read soon. */
  prefetch(range: ByteRange): void;
}

export interface ExportEntry {
  readonly name: string;
  /** One line for people, shown by `nbdinfo --list`. */
  readonly description: string;
}

/** What can be said of an export without opening it. */
export interface ExportFacts extends ExportEntry {
  readonly sizeBytes: number;
  readonly isReadOnly: boolean;
  /** FAST_ZERO is understood. The same each time: what INFO told, GO has to repeat. */
  readonly offersFastZero: boolean;
  /** What it can be compared with, as metadata contexts of its own. */
  readonly differences: readonly DifferenceSource[];
}

/**
 * Why a name is not served. UNKNOWN: there is nothing of that name. NOT_SERVING: another host serves it, or nobody.
 * NOT_IN_SYNC: what this host holds of it is not what clients wrote.
 */
export type RefusalReason = 'UNKNOWN' | 'NOT_SERVING' | 'NOT_IN_SYNC';

export interface ExportRefusal {
  readonly ok: false;
  readonly reason: RefusalReason;
  /** For people. */
  readonly message: string;
}

export interface OpenExport {
  readonly backend: BlockBackend;
  /** The client is gone; answers to what it had submitted go nowhere. */
  close(): void;
}

export interface Export extends ExportFacts {
  /** `onRevoke` is called at most once, when the export ends while a client uses it: its connections are then closed. */
  open(onRevoke: () => void): OpenExport;
}

export type FindResult = { readonly ok: true; readonly found: Export } | ExportRefusal;

/** Where the server finds its exports. Nothing is opened before a client ends its negotiation with the name. */
export interface Exports {
  list(): readonly ExportEntry[];
  find(name: string): FindResult;
}
