/**
 * Where the control store stands, told to every host with each heartbeat, and whether a host was told of more than
 * there is: then the store came back older, and its records are unconfirmed until catch-up.ts says otherwise. That they
 * are is on stable storage before the host is told anything newer, so that a restart of control does not forget it.
 */
import { randomBytes } from 'node:crypto';
import type { Log } from '../../daemon/sys/log.ts';
import type { StorePosition as PositionMessage } from '../../proto/gen/lockstep/agent/v1/agent.ts';
import type { Observed } from '../model/observation.ts';
import {
  keys,
  type RunsRecord,
  type StoreRun,
  type UnconfirmedRecord,
  type VolumeRecord,
} from '../model/records.ts';
import type { ControlStore } from '../store/store.ts';
import { isConfirmed, isOwnPast, type StorePosition } from './catch-up.ts';

/** A host that was away for more starts of control than that is taken for one that knows more. */
const MAX_RUNS = 1000;
const ID_BYTES = 8;

export interface TimelineOptions {
  readonly store: ControlStore;
  /** What was heard since this run began. */
  readonly hosts: () => Observed;
  readonly log: Log;
}

export class Timeline {
  readonly #options: TimelineOptions;
  readonly #runs: readonly StoreRun[];
  readonly #unconfirmed: Set<string>;
  /** Which volumes are concerned is being read: until then it is all of them. */
  #reading = 0;
  #lastSave: Promise<unknown> = Promise.resolve();

  /** Before anything else is written in this run. */
  static async open(options: TimelineOptions): Promise<Timeline> {
    const { store } = options;
    const [known, unconfirmed] = await Promise.all([
      store.get<RunsRecord>(keys.runs),
      store.get<UnconfirmedRecord>(keys.unconfirmed),
    ]);
    const own = { id: randomBytes(ID_BYTES).toString('hex'), from: store.revision };
    const runs = [...(known?.value.runs ?? []), own].slice(-MAX_RUNS);
    await store.transact([], [{ key: keys.runs, value: { runs } satisfies RunsRecord }]);
    return new Timeline(options, runs, unconfirmed?.value.volumes ?? []);
  }

  private constructor(options: TimelineOptions, runs: readonly StoreRun[], unconfirmed: readonly string[]) {
    this.#options = options;
    this.#runs = runs;
    this.#unconfirmed = new Set(unconfirmed);
  }

  /** Asked for after what is told beside it was read. */
  get position(): PositionMessage {
    return { run: this.#runs.at(-1)?.id ?? '', revision: BigInt(this.#options.store.revision) };
  }

  /** The record may be older than what some host holds: see whyBehind. */
  isUnconfirmed(volume: string): boolean {
    return this.#reading > 0 || this.#unconfirmed.has(volume);
  }

  /** What a host was told last. Before anything that it says is acted upon, and before it is told anything. */
  async hear(host: string, told: PositionMessage | undefined): Promise<void> {
    const position: StorePosition = { run: told?.run ?? '', revision: Number(told?.revision ?? 0n) };
    const { store, hosts, log } = this.#options;
    if (isOwnPast(this.#runs, store.revision, position)) return;
    this.#reading++;
    try {
      const records = (await store.list<VolumeRecord>(keys.volumes)).map(({ value }) => value);
      const open = records.filter((record) => !isConfirmed(record, hosts())).map(({ volume }) => volume);
      for (const volume of open) this.#unconfirmed.add(volume);
      const volumes = [...this.#unconfirmed];
      log.warn(
        { host, told: position, here: store.revision, volumes },
        'the control store is older than what a host was told; no change of these volumes is decided before their hosts have reported',
      );
      await this.#save();
    } finally {
      this.#reading--;
    }
  }

  /** Takes note of what has been confirmed meanwhile. Late is no harm: whyBehind looks by itself. */
  async settle(): Promise<void> {
    const { store, hosts, log } = this.#options;
    const before = this.#unconfirmed.size;
    for (const volume of [...this.#unconfirmed]) {
      const record = (await store.get<VolumeRecord>(keys.volume(volume)))?.value;
      if (record === undefined || isConfirmed(record, hosts())) this.#unconfirmed.delete(volume);
    }
    if (this.#unconfirmed.size === before) return;
    await this.#save();
    log.info(
      { volumes: [...this.#unconfirmed] },
      'records were confirmed by their hosts; these are still to be',
    );
  }

  /** One after the other, each with what is true when its turn comes. */
  #save(): Promise<unknown> {
    const { store } = this.#options;
    const key = keys.unconfirmed;
    this.#lastSave = this.#lastSave
      .catch(() => undefined)
      .then(() => {
        const volumes = [...this.#unconfirmed];
        const value: UnconfirmedRecord = { volumes };
        return store.transact([], [volumes.length === 0 ? { key, deleted: true } : { key, value }]);
      });
    return this.#lastSave;
  }
}
