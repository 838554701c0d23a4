/** The exports of world.ts as the NBD server asks for them. What it is asked to write is remembered, and not kept. */
import type {
  BlockBackend,
  BlockRequest,
  BlockResult,
  ByteRange,
  Extent,
  Exports,
  FindResult,
} from '../../daemon/nbd/block.ts';
import type { Random } from '../support/harness/random.ts';
import { ABSENT, EXPORTS, type FuzzExport, isHole, pageEnd, patternOf } from './world.ts';

export interface DiskBehaviour {
  /** Probability of an answer that is given later, in any order, when `answerOne` is called. */
  readonly holds: number;
  /** Probability of an error. */
  readonly fails: number;
  readonly onHeld?: () => void;
}

interface Held {
  readonly bytes: number;
  readonly answer: () => void;
}

/** That this disk tells at once. */
export const MOST_EXTENTS = 1000;

export class FuzzDisk implements Exports {
  /** Writes and flushes as they came, of the one session that a disk in memory is for. */
  readonly changes: BlockRequest[] = [];
  /** How many exports are open now. */
  openCount = 0;
  /** What a request brought changed while it was held. */
  overwritten: string | undefined;
  submitCount = 0;
  heldBytes = 0;
  largestReadBytes = 0;
  readonly #random: Random;
  readonly #behaviour: DiskBehaviour;
  readonly #held: Held[] = [];

  constructor(random: Random, behaviour: DiskBehaviour) {
    this.#random = random;
    this.#behaviour = behaviour;
  }

  get heldCount(): number {
    return this.#held.length;
  }

  get largestHeldBytes(): number {
    return this.#held.reduce((most, { bytes }) => Math.max(most, bytes), 0);
  }

  /** False: none is held. */
  answerOne(): boolean {
    const [held] = this.#held.splice(this.#random.below(this.#held.length), 1);
    if (held === undefined) return false;
    this.heldBytes -= held.bytes;
    held.answer();
    return true;
  }

  list(): readonly { name: string; description: string }[] {
    return EXPORTS.map(({ name }) => ({ name, description: `export ${name}` }));
  }

  find(name: string): FindResult {
    const found = EXPORTS.find((one) => one.name === name);
    if (found === undefined) {
      const reason = name === ABSENT ? 'NOT_SERVING' : 'UNKNOWN';
      return { ok: false, reason, message: `no export "${name}"` };
    }
    const open = () => {
      this.openCount++;
      return {
        backend: this.#backendOf(found),
        close: () => {
          this.openCount--;
        },
      };
    };
    const { sizeBytes, isReadOnly, zeroesFast } = found;
    const facts = { name, sizeBytes, isReadOnly, offersFastZero: zeroesFast, description: `export ${name}` };
    return { ok: true, found: { ...facts, differences: [], open } };
  }

  #backendOf({ sizeBytes, zeroesFast }: FuzzExport): BlockBackend {
    return {
      sizeBytes,
      zeroesFast,
      submit: (request, done) => this.#submit(request, done),
      extents,
      differences: () => undefined,
      prefetch: () => undefined,
    };
  }

  #submit(request: BlockRequest, done: (result: BlockResult) => void): void {
    this.submitCount++;
    // What came in may be written over once it is answered, and not before.
    const asked = request.kind === 'write' ? { ...request, data: Buffer.from(request.data) } : request;
    if (asked.kind === 'write' || asked.kind === 'flush') this.changes.push(asked);
    const answer = (): void => {
      if (request.kind === 'write' && asked.kind === 'write' && !request.data.equals(asked.data))
        this.overwritten = `a write at ${request.offset} was written over before it was answered`;
      done(this.#resultOf(request));
    };
    if (request.kind === 'read') this.largestReadBytes = Math.max(this.largestReadBytes, request.length);
    const { holds, onHeld } = this.#behaviour;
    if (holds === 0 || !this.#random.happens(holds)) {
      answer();
      return;
    }
    const bytes =
      request.kind === 'write' ? request.data.length : request.kind === 'read' ? request.length : 0;
    this.heldBytes += bytes;
    this.#held.push({ bytes, answer });
    onHeld?.();
  }

  #resultOf(request: BlockRequest): BlockResult {
    if (this.#behaviour.fails > 0 && this.#random.happens(this.#behaviour.fails)) {
      const isFull = request.kind !== 'read' && this.#random.happens(0.5);
      return { ok: false, failure: isFull ? 'ENOSPC' : 'EIO' };
    }
    if (request.kind !== 'read') return { ok: true };
    return { ok: true, data: patternOf(request.offset, request.length) };
  }
}

/** Two pages of data and one hole by turns. No client needs more of them than it can have in one reply. */
function* extents({ offset, length }: ByteRange): Generator<Extent> {
  let at = offset;
  for (let count = 0; at < offset + length && count < MOST_EXTENTS; count++) {
    const hole = isHole(at);
    let end = Math.min(pageEnd(at), offset + length);
    while (end < offset + length && isHole(end) === hole) end = pageEnd(end);
    yield { offset: at, length: end - at, kind: hole ? 'hole' : 'data' };
    at = end;
  }
}
