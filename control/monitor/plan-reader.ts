/** Reads where copies could go, for those who decide about a missing one or tell of it. */
import type { DatabaseRecord, VolumeRecord } from '../model/records.ts';
import type { HostRoom } from '../placement/choose.ts';
import type { Repository } from '../repository.ts';
import type { CopyPlans } from './replace.ts';

export interface PlanReaderOptions {
  readonly repository: Repository;
  readonly rooms: () => Promise<readonly HostRoom[]>;
  readonly replaceAfterMs: number;
}

export class PlanReader {
  readonly #options: PlanReaderOptions;

  constructor(options: PlanReaderOptions) {
    this.#options = options;
  }

  /**
   * Nothing where no copy is missing and none too many: it is asked after every heartbeat. A single copy that has a second
   * one for a while, as in a drain that broke off, does not need that one anew.
   */
  async of(
    { copies, busyWith }: Pick<DatabaseRecord, 'copies' | 'busyWith'>,
    { volume, replicas, inSync }: VolumeRecord,
  ): Promise<{ readonly plans?: CopyPlans; readonly rooms?: readonly HostRoom[] }> {
    const isMissing =
      replicas.length < copies || (copies > 1 && replicas.some((host) => !inSync.includes(host)));
    return {
      ...(isMissing ? { plans: await this.read(volume) } : {}),
      // A workflow that makes one in another's place has one more until its end.
      ...(busyWith === '' && replicas.length > copies ? { rooms: await this.#options.rooms() } : {}),
    };
  }

  async read(volume: string): Promise<CopyPlans> {
    const { repository, rooms, replaceAfterMs } = this.#options;
    const [there, dropped] = await Promise.all([rooms(), repository.droppedCopies()]);
    const droppedFrom = dropped.filter(({ value }) => value.volume === volume).map(({ value }) => value.host);
    return { rooms: there, droppedFrom, replaceAfterMs };
  }
}
