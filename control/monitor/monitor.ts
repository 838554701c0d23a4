/**
 * The loop that looks after the databases: after each heartbeat, and as time passes, it decides for each of them and
 * starts the workflow that the decision asks for. At most one workflow holds a database; one that fails is not
 * started again at once.
 */
import { messageOf, unreachable } from '../../daemon/sys/errors.ts';
import type { Log } from '../../daemon/sys/log.ts';
import { CopyStarter } from '../copy-starter.ts';
import type { DatabaseRecord, VolumeRecord } from '../model/records.ts';
import type { Repository } from '../repository.ts';
import type { Starter } from '../starter.ts';
import type { Entry } from '../store/store.ts';
import type { StartResult } from '../workflow/executor.ts';
import { Damper } from './damper.ts';
import { decide, type Decision } from './decide.ts';
import type { Observations } from './observations.ts';
import type { PlanReader } from './plan-reader.ts';
import type { Timeline } from './timeline.ts';

/** Less is of no use: a rule that is met a moment later is looked at a moment later. */
const MIN_WAIT_MS = 10;

export interface MonitorOptions {
  readonly repository: Repository;
  readonly starter: Starter;
  readonly observations: Observations;
  readonly timeline: Timeline;
  readonly nowMs: () => number;
  readonly heartbeatMs: number;
  readonly plans: Pick<PlanReader, 'of'>;
  /** What else is looked after at each round, behind the databases. */
  readonly chores: readonly Chore[];
  readonly log: Log;
}

export interface Chore {
  look(): Promise<void>;
}

export class Monitor {
  readonly #options: MonitorOptions;
  readonly #damper = new Damper();
  readonly #saidOf = new Map<string, string>();
  readonly #stopHearing: () => void;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | undefined;
  #isDue = false;
  #isClosed = false;

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.#stopHearing = options.observations.onHeard(() => this.look());
    this.look();
  }

  /** Soon: heartbeats that arrive during a round make one more round, not one each. */
  look(): void {
    this.#isDue = true;
    if (this.#isClosed || this.#round !== undefined) return;
    clearTimeout(this.#timer);
    this.#round = this.#rounds().finally(() => {
      this.#round = undefined;
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopHearing();
    clearTimeout(this.#timer);
    await this.#round;
  }

  async #rounds(): Promise<void> {
    let waitMs = this.#options.heartbeatMs;
    while (this.#isDue && !this.#isClosed) {
      this.#isDue = false;
      try {
        waitMs = await this.#lookAtAll();
      } catch (error) {
        this.#options.log.error({ error: messageOf(error) }, 'the monitor could not look at the databases');
      }
    }
    if (!this.#isClosed) this.#timer = setTimeout(() => this.look(), Math.max(MIN_WAIT_MS, waitMs));
  }

  /** Answers when to look again at the latest. */
  async #lookAtAll(): Promise<number> {
    const { repository, heartbeatMs, log } = this.#options;
    let waitMs = heartbeatMs;
    const entries = await repository.databases();
    this.#forgetOthers(new Set(entries.map((entry) => entry.value.id)));
    for (const entry of entries) {
      try {
        waitMs = Math.min(waitMs, await this.#lookAt(entry));
      } catch (error) {
        // One database's trouble is not the others'.
        log.error({ database: entry.value.id, error: messageOf(error) }, 'the monitor could not act');
      }
    }
    for (const chore of this.#options.chores) {
      try {
        await chore.look();
      } catch (error) {
        log.error({ error: messageOf(error) }, 'a chore of the monitor failed');
      }
    }
    return waitMs;
  }

  async #lookAt(entry: Entry<DatabaseRecord>): Promise<number> {
    const { repository, observations, timeline, nowMs, heartbeatMs } = this.#options;
    const volume = await repository.volume(entry.value.volume);
    if (volume === undefined) return heartbeatMs;
    const { silenceMs, controlUpSinceMs, hosts } = observations;
    const now = nowMs();
    const decision = decide({
      record: volume.value,
      database: entry.value,
      hosts,
      silenceMs,
      controlUpSinceMs,
      nowMs: now,
      isUnconfirmed: timeline.isUnconfirmed(volume.value.volume),
      ...(await this.#options.plans.of(entry.value, volume.value)),
    });
    this.#damper.hear(entry.value.id, hosts);
    this.#say(entry.value.id, decision);
    if (decision.kind === 'none') {
      if (decision.isWell === true) this.#damper.reset(entry.value.id);
      return decision.recheckInMs ?? heartbeatMs;
    }
    if (!this.#damper.mayStart(entry.value.id, decision.kind, now)) return heartbeatMs;
    const { primary } = volume.value;
    const isBySilence = decision.kind === 'failover' && decision.isBySilence;
    if (isBySilence) {
      const missingMs = this.#damper.silenceNeededMs(entry.value.id, now) - (now - decision.detectedFromMs);
      if (missingMs > 0) return Math.min(missingMs, heartbeatMs);
    }
    const result = await this.#start(decision, entry, volume);
    // A conflict is a record that changed since it was read: the next look sees the new one.
    if (!result.ok) return heartbeatMs;
    this.#damper.started(entry.value.id, decision.kind, now);
    if (isBySilence)
      this.#damper.failedOver(entry.value.id, {
        host: primary,
        incarnation: observations.incarnation(primary),
        silentSinceMs: decision.detectedFromMs,
        atMs: now,
      });
    return heartbeatMs;
  }

  #start(
    decision: Exclude<Decision, { kind: 'none' }>,
    entry: Entry<DatabaseRecord>,
    volume: Entry<VolumeRecord>,
  ): Promise<StartResult> {
    const { starter, nowMs } = this.#options;
    const copies = new CopyStarter(starter);
    switch (decision.kind) {
      case 'failover':
        return starter.failover(entry, volume, {
          to: decision.to,
          why: decision.why,
          mode: 'monitor',
          lastHeardMs: decision.detectedFromMs,
          decidedAtMs: nowMs(),
        });
      case 'reseed':
        return starter.reseed(entry, volume, decision);
      case 'replace': {
        const old = { host: decision.old, isLost: true, place: { host: decision.to } };
        return copies.replace({ entry, volume }, old, decision);
      }
      case 'convert': {
        const wish = { place: { host: decision.to }, copies: entry.value.copies };
        return copies.convert({ entry, volume }, wish, decision);
      }
      case 'drop-surplus':
        return copies.dropSurplus({ entry, volume }, decision.drops, decision);
      case 'recover-primary':
        return starter.recoverPrimary(entry, volume, decision.why);
      default:
        return unreachable(decision);
    }
  }

  #forgetOthers(databases: ReadonlySet<string>): void {
    this.#damper.keepOnly(databases);
    for (const database of this.#saidOf.keys()) if (!databases.has(database)) this.#saidOf.delete(database);
  }

  /** Once per change, not once per look. */
  #say(database: string, decision: Decision): void {
    // Durations in the reason would make each look a change.
    const said = `${decision.kind}: ${decision.why.replaceAll(/\d+\.\d+ s/g, 'a while')}`;
    if (this.#saidOf.get(database) === said) return;
    this.#saidOf.set(database, said);
    this.#options.log.info({ database, decision: decision.kind }, decision.why);
  }
}
