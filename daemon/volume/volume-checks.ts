/** Checks of this host's volumes that a person asked for: one at a time of each volume, beside everything else. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Finding } from '../store/layers/check.ts';
import type { LayerStore } from '../store/layers/layer-store.ts';
import { LockstepError, messageOf } from '../sys/errors.ts';
import type { Log } from '../sys/log.ts';

export interface CheckReport {
  readonly running: boolean;
  readonly readBytes: number;
  readonly findings: readonly Finding[];
  /** Why it ended before it had looked at everything; empty: it did not. */
  readonly error: string;
}

export interface VolumeChecksOptions {
  readonly store: () => LayerStore;
  readonly log: Log;
}

export class VolumeChecks {
  readonly #options: VolumeChecksOptions;
  /** The last of each volume. */
  readonly #reports = new Map<string, () => CheckReport>();
  readonly #running = new Map<string, Promise<void>>();
  #closed = false;

  constructor(options: VolumeChecksOptions) {
    this.#options = options;
  }

  /** Nothing if one runs. Throws if there is no such volume. */
  start(volume: string): void {
    if (this.#running.has(volume) || this.#closed) return;
    const work = this.#options.store().newCheck(volume);
    let error = '';
    this.#reports.set(volume, () => {
      const { readBytes, findings } = work;
      return { running: this.#running.has(volume), readBytes, findings, error };
    });
    const done = async (): Promise<void> => {
      try {
        await this.#run(volume, work);
      } catch (cause) {
        error = messageOf(cause);
        this.#options.log.error({ volume, error }, 'a check of a volume broke off');
      } finally {
        work.close();
        this.#running.delete(volume);
      }
    };
    this.#running.set(volume, done());
  }

  /** Throws if none was begun since the process started. */
  report(volume: string): CheckReport {
    const report = this.#reports.get(volume);
    if (report !== undefined) return report();
    throw new LockstepError('NOT_FOUND', `volume ${volume} was not checked since the daemon started`, {
      reason: 'NOT_CHECKED',
      metadata: { volume },
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#running.values());
  }

  async #run(volume: string, work: ReturnType<LayerStore['newCheck']>): Promise<void> {
    const store = this.#options.store();
    while (await store.checkStep(work)) {
      if (this.#closed) throw new Error('the daemon is stopped');
      await nextTurn();
    }
    const damaged = work.findings.filter(({ kind }) => kind === 'damaged');
    const facts = { volume, findings: work.findings.length, damaged: damaged.length };
    this.#options.log[damaged.length > 0 ? 'error' : 'info'](facts, 'a volume was checked');
    // A scrub keeps what it finds: those regions are not read any more as if nothing were wrong.
    if (damaged.some(({ regions }) => regions !== undefined))
      await store.startScrub(volume).catch((error: unknown) => {
        this.#options.log.warn({ volume, error: messageOf(error) }, 'no scrub follows the check');
      });
  }
}
