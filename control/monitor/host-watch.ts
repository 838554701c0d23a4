/** Writes down that a host fell silent and that it is back, once each, also over restarts of control. */
import { STORAGE } from '../model/host-view.ts';
import type { EventReason } from '../model/event-reasons.ts';
import { type HostLostRecord, keys } from '../model/records.ts';
import type { Repository } from '../repository.ts';
import type { Mutation } from '../store/store.ts';
import type { Observations } from './observations.ts';

export interface HostWatchOptions {
  readonly repository: Repository;
  readonly observations: Observations;
  readonly wallClock: () => number;
}

export class HostWatch {
  readonly #options: HostWatchOptions;
  /** As the store has it; undefined before it was read. */
  #lost: Set<string> | undefined;

  constructor(options: HostWatchOptions) {
    this.#options = options;
  }

  async look(): Promise<void> {
    const { repository, observations, wallClock } = this.#options;
    this.#lost ??= await this.#read();
    const lost = this.#lost;
    const hosts = (await repository.hostEntries()).map(({ value }) => value);
    for (const { host, roles } of hosts) {
      if (!roles.includes(STORAGE)) continue;
      const key = keys.hostLost(host);
      if (observations.isReachable(host)) {
        if (!lost.has(host)) continue;
        await this.#write(host, 'HOST_BACK', 'it is heard again', { key, deleted: true });
        lost.delete(host);
      } else if (observations.hasListened && !lost.has(host)) {
        const record: HostLostRecord = { host, timeMs: wallClock() };
        const seconds = (observations.silence(host) / 1000).toFixed(1);
        await this.#write(host, 'HOST_LOST', `it has been silent for ${seconds} s`, { key, value: record });
        lost.add(host);
      }
    }
    // One that was removed is not awaited.
    const known = new Set(hosts.map(({ host }) => host));
    for (const host of lost) {
      if (known.has(host)) continue;
      await repository.store.transact([], [{ key: keys.hostLost(host), deleted: true }]);
      lost.delete(host);
    }
  }

  async #read(): Promise<Set<string>> {
    const entries = await this.#options.repository.store.list<HostLostRecord>(keys.hostsLost);
    return new Set(entries.map(({ value }) => value.host));
  }

  /** A conflict is another event at the same instant: the next look tries again. */
  async #write(host: string, reason: EventReason, message: string, mutation: Mutation): Promise<void> {
    const { repository } = this.#options;
    const events = await repository.eventWrites({ host }, [{ reason, message, generation: 0 }]);
    const written = await repository.store.transact(events.conditions, [mutation, ...events.mutations]);
    if (!written.ok) this.#lost = undefined;
  }
}
