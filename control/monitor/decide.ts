/**
 * What control does about one database, from what it knows at one instant. Pure.
 *
 * Failover needs every rule of "Who may serve" at once: control has not heard the primary for the minimum time (and
 * has itself been listening that long), the secondary that is to follow has not either, and it stands at the generation
 * of the record. Where the primary itself says that it does not serve, its silence is not needed. None of this is what
 * makes failover safe: the compare-and-set of the generation and the lease that the secondary waits out are. The rules
 * keep a blip, a one-way partition or a restart of control from causing one.
 */
import { NO_ENGINE } from '../model/engines.ts';
import type { HostObservation, ObservedReplica } from '../model/observation.ts';
import type { DatabaseRecord, VolumeRecord } from '../model/records.ts';
import { whyBehind, whyTooEarly } from './catch-up.ts';
import type { HostRoom } from '../placement/choose.ts';
import { type CopyPlans, lostCopies, secondCopy, surplusCopies } from './replace.ts';
import { hostSilence, isReachable, type Knowledge, secondariesOf, type Secondary } from './successor.ts';

export type Decision =
  /** `recheckInMs`: a rule is about to be met by the mere passing of time. `isWell`: served, with all copies. */
  | { readonly kind: 'none'; readonly why: string; readonly recheckInMs?: number; readonly isWell?: boolean }
  | {
      readonly kind: 'failover';
      readonly to: string;
      readonly why: string;
      readonly detectedFromMs: number;
      /** Nobody said that the primary is gone: it may be a host that comes and goes. */
      readonly isBySilence: boolean;
    }
  | { readonly kind: 'reseed'; readonly source: string; readonly target: string; readonly why: string }
  /** The copy on `old` is given up; `to` gets its successor. */
  | { readonly kind: 'replace'; readonly old: string; readonly to: string; readonly why: string }
  /** Two copies were asked for and there is one. */
  | { readonly kind: 'convert'; readonly to: string; readonly why: string }
  /** There are more copies than were asked for, and the others are whole. */
  | { readonly kind: 'drop-surplus'; readonly drops: readonly string[]; readonly why: string }
  | { readonly kind: 'recover-primary'; readonly why: string };

export interface Situation extends Knowledge {
  readonly database: DatabaseRecord;
  /** Some host knows the store to have been further than it is, and the record was not confirmed since. */
  readonly isUnconfirmed?: boolean;
  /** Where copies could go. Absent where none is missing. */
  readonly plans?: CopyPlans;
  /** Absent where there are not more copies than were asked for. */
  readonly rooms?: readonly HostRoom[];
}

export function decide(situation: Situation): Decision {
  const { record, database } = situation;
  const behind = whyBehind(record, situation.hosts, situation.isUnconfirmed === true);
  if (behind !== undefined) return none(behind);
  const { silenceMs } = situation;
  const listenedMs = situation.nowMs - situation.controlUpSinceMs;
  const early = whyTooEarly(record, situation.hosts, { silenceMs, listenedMs });
  if (early !== undefined) return { ...none(early), recheckInMs: silenceMs - listenedMs };
  if (database.lifecycle === 'creating' || database.lifecycle === 'deleting')
    return none(`it is ${database.lifecycle}; that workflow looks after it`);
  if (database.lifecycle === 'deleted') return { ...none('it is deleted, and only kept'), isWell: true };
  if (database.busyWith !== '') return none(`${database.busyWith} holds it`);
  if (database.lifecycle === 'stopped') return aboutStopped(situation);
  const primary = situation.hosts.get(record.primary);
  if (hostSilence(situation, record.primary) >= situation.silenceMs) return aboutSilentPrimary(situation);
  if (primary === undefined)
    return waitFor(situation, record.primary, 'control has not listened for long enough');
  const replica = primary.replicas.get(record.volume);
  if (replica !== undefined && servesNow(replica, record)) return aboutServingPrimary(situation, primary);
  if (replica?.state === 'RECOVERING' && replica.hostRebooted)
    return aboutRebootedPrimary(situation, replica);
  return aboutIdlePrimary(situation, replica);
}

/**
 * No engine is started and nobody is promoted: that waits for the start, which a silent primary then does not stop. A
 * primary that serves goes on bringing its copies up to date.
 */
function aboutStopped(situation: Situation): Decision {
  const { record, silenceMs } = situation;
  const what = 'it is stopped';
  const silentMs = hostSilence(situation, record.primary);
  if (silentMs >= silenceMs) {
    const next = secondariesOf(situation).find(({ refusal }) => refusal === undefined);
    const then = next === undefined ? 'nobody else can follow it' : `${next.host} can follow it at a start`;
    return none(`${what}; ${record.primary} has been silent for ${seconds(silentMs)}; ${then}`);
  }
  const replica = situation.hosts.get(record.primary)?.replicas.get(record.volume);
  if (replica === undefined || !servesNow(replica, record))
    return none(`${what}; ${record.primary} is heard, and ${standingOf(replica)}`);
  return aboutCopies(situation) ?? { ...none(what), isWell: true };
}

/** The primary of the record, at the record's generation, able to do I/O. */
export function servesNow(replica: ObservedReplica, record: VolumeRecord): boolean {
  return (
    replica.generation === record.generation && (replica.state === 'SERVING' || replica.state === 'SOLO')
  );
}

function aboutSilentPrimary(situation: Situation): Decision {
  const { record } = situation;
  const silent = `${record.primary} has been silent for ${seconds(hostSilence(situation, record.primary))}`;
  const [best, ...others] = secondariesOf(situation);
  if (best === undefined) return none(`${silent}; it alone holds every write, so it has to come back`);
  if (best.refusal !== undefined) return none(`${silent}; ${refusalsOf([best, ...others])}`);
  const missingMs = situation.silenceMs - best.lostMs;
  if (missingMs > 0)
    return { ...none(`${silent}; ${best.host} has heard it more lately than that`), recheckInMs: missingMs };
  return {
    kind: 'failover',
    to: best.host,
    why: `${silent}, ${best.host} has not heard it either and holds every acknowledged write`,
    detectedFromMs: situation.hosts.get(record.primary)?.lastHeardMs ?? situation.controlUpSinceMs,
    isBySilence: true,
  };
}

/**
 * The primary's machine was restarted: what it had acknowledged and not yet flushed is gone there, and the secondary
 * still has it. It is given the minimum time to pull that from the secondary by itself.
 */
function aboutRebootedPrimary(situation: Situation, replica: ObservedReplica): Decision {
  const { record, silenceMs, nowMs } = situation;
  const [best, ...others] = secondariesOf(situation);
  const what = `${record.primary} is recovering after a restart of its machine`;
  if (best === undefined) return none(`${what}; nobody else holds every write`);
  if (best.refusal !== undefined) return none(`${what}; ${refusalsOf([best, ...others])}`);
  const missingMs = silenceMs - (nowMs - replica.stateSinceMs);
  if (missingMs > 0) return { ...none(`${what}; it is given ${seconds(silenceMs)}`), recheckInMs: missingMs };
  const why = `${what}, and ${best.host} was not restarted: it holds writes that ${record.primary} may lack`;
  return { kind: 'failover', to: best.host, why, detectedFromMs: replica.stateSinceMs, isBySilence: false };
}

/**
 * A primary that lost its secondary and is heard goes on alone by itself, with its sessions, which beats any failover: it
 * notices after the minimum time, and asks when that has passed once more.
 */
const HOLDING_PATIENCE = 2.5;

/** It gave the volume up in the record's own generation, and nothing it hears makes it take it back. */
const GAVE_UP: ReadonlySet<string> = new Set(['FENCED', 'STALE', 'UNREADABLE']);

/**
 * Heard, and not serving. One that gave up (its disk failed it) is not waited for: the secondary waits out the lease
 * that it granted by itself. What may still come back by itself, or is gone and may be reported a moment too early,
 * has the minimum time, counted from where the secondary lost it, or from where it said that it stepped down.
 */
function aboutIdlePrimary(situation: Situation, replica: ObservedReplica | undefined): Decision {
  const { record, silenceMs, nowMs } = situation;
  const what = `${record.primary} is heard, and ${standingOf(replica)}`;
  const isHandedOver = replica?.state === 'STEPPED_DOWN' && replica.generation === record.generation;
  const handedOverMs = isHandedOver ? nowMs - replica.stateSinceMs : 0;
  const secondaries = secondariesOf(situation);
  const best = secondaries.find(({ refusal }) => refusal === undefined);
  if (best === undefined) {
    const why = `${what}; ${refusalsOf(secondaries) || 'nobody else holds every write'}`;
    return handedOverMs >= silenceMs ? { kind: 'recover-primary', why } : none(why);
  }
  const hasGivenUp =
    replica !== undefined && GAVE_UP.has(replica.state) && replica.generation === record.generation;
  const patienceMs = replica?.state === 'HOLDING' ? silenceMs * HOLDING_PATIENCE : silenceMs;
  const missingMs = hasGivenUp ? 0 : patienceMs - Math.max(best.lostMs, handedOverMs);
  if (missingMs > 0)
    return { ...none(`${what}; it is given ${seconds(patienceMs)}`), recheckInMs: missingMs };
  return {
    kind: 'failover',
    to: best.host,
    why: `${what}, and ${best.host} holds every acknowledged write`,
    detectedFromMs: replica?.stateSinceMs ?? nowMs - best.lostMs,
    isBySilence: false,
  };
}

const refusalsOf = (secondaries: readonly Secondary[]): string =>
  secondaries.flatMap(({ refusal }) => refusal ?? []).join('; ');

function standingOf(replica: ObservedReplica | undefined): string {
  if (replica === undefined) return 'reports no replica of the volume';
  return `its replica is ${replica.state}${replica.reason === '' ? '' : `: ${replica.reason}`}`;
}

function aboutServingPrimary(situation: Situation, primary: HostObservation): Decision {
  const { record, database } = situation;
  const engine = primary.engines.find((candidate) => candidate.volume === record.volume);
  if (engine?.state === 'STARTING') return none('the engine is starting');
  // Its guard has it go on with the lease that this state tells of.
  if (engine?.state === 'FROZEN') return none('the engine is frozen until its lease is renewed');
  if (database.engine !== NO_ENGINE && engine?.state !== 'RUNNING')
    return {
      kind: 'recover-primary',
      why: `the engine on ${record.primary} is ${engine?.state ?? 'not running'}`,
    };
  if (database.aliasHost !== record.primary)
    return { kind: 'recover-primary', why: `the alias names ${database.aliasHost || 'nobody'}` };
  if (database.lifecycle !== 'active')
    return {
      kind: 'recover-primary',
      why: `the database is marked as ${database.lifecycle}, and its primary serves`,
    };
  const aboutOthers = aboutCopies(situation);
  if (aboutOthers !== undefined) return aboutOthers;
  if (record.replicas.length < database.copies) return aboutSingleCopy(situation);
  return { ...none('all is well'), isWell: true };
}

/** Of a primary that serves: one too many, or one outside of the set. */
function aboutCopies(situation: Situation): Decision | undefined {
  const { record, database, rooms } = situation;
  const drops = rooms === undefined ? [] : surplusCopies(situation, database.copies, rooms);
  if (drops.length > 0) {
    const why = `${String(database.copies)} of ${String(record.replicas.length)} copies were asked for`;
    return {
      kind: 'drop-surplus',
      drops,
      why: `${why}; the others are whole without ${drops.join(' and ')}`,
    };
  }
  const isOneMissing = record.replicas.some((host) => !record.inSync.includes(host));
  return isOneMissing ? aboutMissingCopy(situation) : undefined;
}

const RESEEDABLE: ReadonlySet<string> = new Set([
  'BLANK',
  'STALE',
  'FENCED',
  'JOINING',
  'STEPPED_DOWN',
  'UNREADABLE',
]);

/**
 * A secondary outside the set: most likely one that has just died, and whose last report is a moment old. One that
 * goes on reporting so, cut off from its primary, is brought back like the others.
 */
function isReseedable(situation: Situation, replica: ObservedReplica): boolean {
  if (replica.state !== 'SECONDARY') return RESEEDABLE.has(replica.state);
  const { disconnectedSinceMs } = replica;
  return disconnectedSinceMs !== undefined && situation.nowMs - disconnectedSinceMs >= situation.silenceMs;
}

/** One at a time, in the order of the record: a copy takes the primary's disk and its link. */
function aboutMissingCopy(situation: Situation): Decision {
  const { record } = situation;
  const others = record.replicas.filter((host) => !record.inSync.includes(host));
  for (const target of others) {
    if (!isReachable(situation, target)) continue;
    const replica = situation.hosts.get(target)?.replicas.get(record.volume);
    if (replica !== undefined && !isReseedable(situation, replica)) continue;
    const state = replica === undefined ? 'without a copy' : replica.state;
    return { kind: 'reseed', source: record.primary, target, why: `${target} is back and ${state}` };
  }
  const replacement = aboutLostCopies(situation);
  if (replacement?.kind === 'replace') return replacement;
  const copies = record.inSync.length === 1 ? 'one copy only' : `${String(record.inSync.length)} copies only`;
  const [other = 'no other host'] = others;
  if (others.length === 1 && isReachable(situation, other))
    return none(
      `${copies}: ${other} is ${situation.hosts.get(other)?.replicas.get(record.volume)?.state ?? ''}`,
    );
  const why = `${copies}: ${others.join(', ') || other} cannot be reached`;
  return replacement === undefined ? none(why) : { ...replacement, why: `${why}; ${replacement.why}` };
}

/** One that stays away is given up: the database is to have two copies again. */
function aboutLostCopies(situation: Situation): Exclude<Decision, { kind: 'failover' }> | undefined {
  const { plans } = situation;
  const [lost] = plans === undefined ? [] : lostCopies(situation, plans);
  if (lost === undefined) return undefined;
  const { host, silentMs, dueInMs, successor } = lost;
  const silent = `${host} has been silent for ${seconds(silentMs)}`;
  if (!successor.ok) return none(`no other host can take the copy of ${host}: ${successor.message}`);
  const to = successor.host.host;
  if (dueInMs > 0)
    return { ...none(`${to} gets the copy of ${host} in ${seconds(dueInMs)}`), recheckInMs: dueInMs };
  return { kind: 'replace', old: host, to, why: `${silent}: its copy is given up` };
}

/** As of a clone that was asked for with two. */
function aboutSingleCopy(situation: Situation): Decision {
  const { record, plans } = situation;
  if (plans === undefined) return none('two copies were asked for, and there is one');
  const choice = secondCopy(record, plans);
  if (!choice.ok) return none(`two copies were asked for, and there is one: ${choice.message}`);
  return { kind: 'convert', to: choice.host.host, why: 'two copies were asked for, and there is one' };
}

const none = (why: string): { readonly kind: 'none'; readonly why: string } => ({ kind: 'none', why });

function waitFor(situation: Situation, host: string, why: string): Decision {
  return { ...none(why), recheckInMs: situation.silenceMs - hostSilence(situation, host) };
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
