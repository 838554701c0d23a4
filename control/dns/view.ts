/**
 * The zone as the records of control make it, in memory: a lookup waits for nothing.
 *
 * An alias answers the address of its aliasHost only while the volume's record names that host as primary. The volume's
 * record is the fenced one (its generation is raised before anybody else may write), so in a failover the old address
 * is taken back at the moment the old primary is no more, not when the new one is up.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../daemon/sys/errors.ts';
import type { Log } from '../../daemon/sys/log.ts';
import { type DatabaseRecord, type HostRecord, keys, type VolumeRecord } from '../model/records.ts';
import type { ControlStore } from '../store/store.ts';
import type { Lookup, ZoneView } from './answer.ts';

/** Between attempts to read records again after the store failed to. */
const REREAD_MS = 200;
const UNKNOWN: Lookup = { kind: 'unknown-primary' };

export interface AliasViewOptions {
  readonly store: ControlStore;
  /** Milliseconds since 1970: where serials begin, so that they also grow over restarts. */
  readonly clock: () => number;
  readonly log: Log;
}

export class AliasView implements ZoneView {
  readonly #options: AliasViewOptions;
  readonly #databases = new Map<string, DatabaseRecord>();
  readonly #volumes = new Map<string, VolumeRecord>();
  readonly #hosts = new Map<string, HostRecord>();
  readonly #changed = new Set<string>();
  readonly #stopWatching: readonly (() => void)[];
  readonly #stop = new AbortController();
  #answers: ReadonlyMap<string, Lookup> = new Map();
  #serial = 0;
  /** The records in memory are known to be old. */
  #blind = true;
  #reading: Promise<void> = Promise.resolve();

  private constructor(options: AliasViewOptions) {
    this.#options = options;
    // Before the first read, so that no change falls between the two.
    this.#stopWatching = [keys.databases, keys.volumes, keys.hosts].map((prefix) =>
      options.store.watch(prefix, (key) => this.#note(key)),
    );
  }

  static async open(options: AliasViewOptions): Promise<AliasView> {
    const view = new AliasView(options);
    const loading = view.#load();
    // What changes meanwhile is read after it: the list is of one instant, and must not overwrite a later one.
    view.#reading = loading.catch(() => undefined);
    try {
      await loading;
    } catch (error) {
      await view.close();
      throw error;
    }
    return view;
  }

  get serial(): number {
    return this.#serial;
  }

  lookup(label: string): Lookup | undefined {
    return this.#blind ? UNKNOWN : this.#answers.get(label);
  }

  /** Resolves once every change that was made before the call is in the answers. */
  async settled(): Promise<void> {
    await this.#reading;
  }

  async close(): Promise<void> {
    for (const stop of this.#stopWatching) stop();
    this.#stop.abort();
    await this.#reading;
  }

  async #load(): Promise<void> {
    for (const prefix of [keys.databases, keys.volumes, keys.hosts])
      for (const { key, value } of await this.#options.store.list(prefix)) this.#apply(key, value);
    this.#blind = false;
    this.#publish();
  }

  #note(key: string): void {
    this.#changed.add(key);
    // One reader at a time: two reads of one key that overtake each other would leave the older answer.
    if (this.#changed.size === 1) this.#reading = this.#reading.then(() => this.#reread());
  }

  async #reread(): Promise<void> {
    while (this.#changed.size > 0 && !this.#stop.signal.aborted) {
      const changed = [...this.#changed];
      this.#changed.clear();
      try {
        const entries = await Promise.all(changed.map((key) => this.#options.store.get(key)));
        for (const [index, key] of changed.entries()) this.#apply(key, entries[index]?.value);
        this.#blind = false;
        this.#publish();
      } catch (error) {
        // An old answer may be a wrong one by now, and nobody knows which: none is given.
        this.#blind = true;
        for (const key of changed) this.#changed.add(key);
        this.#options.log.error({ error: messageOf(error) }, 'aliases cannot be read and answer SERVFAIL');
        await sleep(REREAD_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      }
    }
  }

  #apply(key: string, value: unknown): void {
    const records = this.#recordsOf(key) as Map<string, unknown>;
    if (value === undefined) records.delete(key);
    else records.set(key, value);
  }

  #recordsOf(key: string): Map<string, DatabaseRecord> | Map<string, VolumeRecord> | Map<string, HostRecord> {
    if (key.startsWith(keys.databases)) return this.#databases;
    return key.startsWith(keys.volumes) ? this.#volumes : this.#hosts;
  }

  #publish(): void {
    const answers = new Map<string, Lookup>();
    for (const database of this.#databases.values()) answers.set(database.id, this.#lookupOf(database));
    if (!sameAnswers(this.#answers, answers) || this.#serial === 0) this.#raiseSerial();
    this.#answers = answers;
  }

  #lookupOf(database: DatabaseRecord): Lookup {
    if (database.aliasHost === '') return { kind: 'no-data' };
    const primary = this.#volumes.get(keys.volume(database.volume))?.primary;
    const address = this.#hosts.get(keys.host(database.aliasHost))?.address;
    if (primary !== database.aliasHost || address === undefined) return UNKNOWN;
    return { kind: 'address', address };
  }

  #raiseSerial(): void {
    const seconds = Math.floor(this.#options.clock() / 1000);
    this.#serial = Math.max(this.#serial + 1, seconds) % 2 ** 32;
  }
}

function sameAnswers(a: ReadonlyMap<string, Lookup>, b: ReadonlyMap<string, Lookup>): boolean {
  return a.size === b.size && [...b].every(([label, lookup]) => sameLookup(a.get(label), lookup));
}

function sameLookup(a: Lookup | undefined, b: Lookup): boolean {
  if (a?.kind !== b.kind) return false;
  return a.kind !== 'address' || b.kind !== 'address' || a.address === b.address;
}
