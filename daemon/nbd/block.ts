/**
 * What the NBD server asks of what stands behind an export. The replica's driver implements it; tests put a plain
 * buffer behind it.
 */

/** Offsets and lengths are bytes, already checked to lie inside the export. */
export type BlockRequest =
  | { readonly kind: 'read'; readonly offset: number; readonly length: number }
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

export interface BlockBackend {
  readonly sizeBytes: number;
  /**
   * Calls `done` exactly once, now or later, perhaps much later: a request is held, not failed, while it is not
   * decided who serves. Requests of one connection may be answered in any order.
   */
  submit(request: BlockRequest, done: (result: BlockResult) => void): void;
}

export interface ExportEntry {
  readonly name: string;
  /** One line for people, shown by `nbdinfo --list`. */
  readonly description: string;
}

export type OpenResult =
  | { readonly ok: true; readonly backend: BlockBackend }
  | { readonly ok: false; readonly reason: 'UNKNOWN' | 'NOT_SERVING'; readonly message: string };

/** Where the server finds its exports. Nothing is opened before a client has asked for it by name. */
export interface ExportDirectory {
  list(): readonly ExportEntry[];
  /** `onRevoke` is called at most once, when the export ends while a client uses it: its connections are then closed. */
  open(name: string, onRevoke: () => void): OpenResult;
  /** The client is gone; answers to what it had submitted go nowhere. */
  close(name: string, onRevoke: () => void): void;
}
