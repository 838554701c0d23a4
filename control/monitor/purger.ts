/**
 * Ends what nothing keeps any more: deleted databases whose grace time is over, and archives without a snapshot. Whether
 * the time is over the wall clock of control says; when one that stopped on its way is tried again, a clock that does not
 * jump. Nothing is begun before the hosts were heard: a store that came back older may call deleted what is in use again.
 */
import { messageOf } from '../../daemon/sys/errors.ts';
import type { Log } from '../../daemon/sys/log.ts';
import type { ArchiveRecord, DatabaseRecord } from '../model/records.ts';
import type { Repository } from '../repository.ts';
import type { Starter } from '../starter.ts';
import type { Entry } from '../store/store.ts';
import type { StartResult } from '../workflow/executor.ts';
import type { HostKnowledge, PurgePace } from '../workflow/definitions/surroundings.ts';

export interface PurgerOptions {
  readonly repository: Repository;
  readonly starter: Pick<Starter, 'purge' | 'purgeArchive'>;
  readonly hosts: Pick<HostKnowledge, 'awaitsHosts' | 'mayBeUsed'>;
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
  /** Monotonic. */
  readonly nowMs: () => number;
  readonly log: Log;
  readonly pace: PurgePace;
}

export class Purger {
  readonly #options: PurgerOptions;
  /** By key, in the time of `nowMs`: when one that was started and is still there may be started again. */
  readonly #notBefore = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> = Promise.resolve();

  constructor(options: PurgerOptions) {
    this.#options = options;
  }

  start(): void {
    const round = (): void => {
      this.#round = this.#round.then(() => this.#lookAtAll());
    };
    this.#timer = setInterval(round, this.#options.pace.everyMs);
    round();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#round;
  }

  async #lookAtAll(): Promise<void> {
    const { repository, starter, hosts, wallClock, log } = this.#options;
    try {
      const [databases, archives] = await Promise.all([repository.databases(), repository.archives()]);
      const keys = new Set([...databases, ...archives].map(({ key }) => key));
      for (const key of this.#notBefore.keys()) if (!keys.has(key)) this.#notBefore.delete(key);
      if (await hosts.awaitsHosts()) return;
      for (const entry of databases)
        if (isDue(entry.value, wallClock()))
          await this.#start(entry, entry.value.volume, () => starter.purge(entry));
      for (const entry of archives)
        if (isEmpty(entry.value))
          await this.#start(entry, entry.value.volume, () => starter.purgeArchive(entry));
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'what is due could not be purged; it is tried again');
    }
  }

  async #start({ key }: Entry, volume: string, start: () => Promise<StartResult>): Promise<void> {
    const { repository, hosts, nowMs, pace, log } = this.#options;
    if (nowMs() < (this.#notBefore.get(key) ?? 0)) return;
    const record = (await repository.volume(volume))?.value;
    const why = record === undefined ? undefined : hosts.mayBeUsed(record);
    if (why !== undefined) {
      this.#notBefore.set(key, nowMs() + pace.againMs);
      log.warn({ key, why }, 'nothing keeps it any more, and it may be in use again: it is not purged');
      return;
    }
    // A conflict is a record that changed since it was read: the next look sees the new one.
    const result = await start();
    if (!result.ok) return;
    this.#notBefore.set(key, nowMs() + pace.againMs);
    log.info({ key, workflow: result.id }, 'nothing keeps it any more: it is purged');
  }
}

/** `deleting` without a holder: a purge that stopped on its way, since a host was away. */
export function isDue({ lifecycle, expireTimeMs, busyWith }: DatabaseRecord, nowMs: number): boolean {
  const isDeleted = lifecycle === 'deleted' || (lifecycle === 'deleting' && expireTimeMs > 0);
  return isDeleted && busyWith === '' && expireTimeMs <= nowMs;
}

const isEmpty = ({ isRemoved, busyWith }: ArchiveRecord): boolean => isRemoved && busyWith === '';
