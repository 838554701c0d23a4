/** The control store of a run: every commit is kept, so that it can come back older (control/monitor/timeline.ts). */
import type { StoreRun, VolumeRecord } from '../../../control/model/records.ts';
import type { StorePosition } from '../../../control/monitor/catch-up.ts';

interface Content {
  readonly record: VolumeRecord;
  readonly runs: readonly StoreRun[];
  /** Some host knows the store to have been further, and the record was not confirmed since. */
  readonly isUnconfirmed: boolean;
}

export class VirtualStore {
  /** By revision. */
  #commits: Content[];
  #lastRun = 0;

  constructor(record: VolumeRecord) {
    this.#commits = [{ record, runs: [], isUnconfirmed: false }];
    this.open();
  }

  get content(): Content {
    const content = this.#commits.at(-1);
    if (content === undefined) throw new Error('a store has its first content');
    return content;
  }

  get revision(): number {
    return this.#commits.length - 1;
  }

  get position(): StorePosition {
    return { run: this.content.runs.at(-1)?.id ?? '', revision: this.revision };
  }

  /** The record was what it is now. */
  isSinceRecord({ run, revision }: StorePosition): boolean {
    const isOfIt = this.content.runs.some(({ id }) => id === run);
    return isOfIt && this.#commits[revision]?.record === this.content.record;
  }

  commit(change: Partial<Content>): void {
    this.#commits.push({ ...this.content, ...change });
  }

  /** A process of control starts with it. */
  open(): void {
    const run = { id: `run ${++this.#lastRun}`, from: this.revision };
    this.commit({ runs: [...this.content.runs, run] });
  }

  /** The last `records` records are gone, with all that was committed after the one before them. */
  loseRecords(records: number): void {
    for (let lost = 0; lost < records; lost++) {
      const { record } = this.content;
      while (this.#commits.length > 1 && this.content.record === record) this.#commits.pop();
    }
  }
}
