/**
 * What control does about one database, from what it knows at one instant. Pure.
 *
 * Failover needs every rule of "Who may serve" at once: control has not heard the primary for the minimum time (and
 * has itself been listening that long), the secondary has not either, and the secondary stands at the generation of
 * the record. Where the primary itself says that it does not serve, its silence is not needed. None of this is what
 * makes failover safe: the compare-and-set of the generation and the lease that the secondary waits out are. The rules
 * keep a blip, a one-way partition or a restart of control from causing one.
 */
import {
  type HostObservation,
  type Observed,
  type ObservedReplica,
  silenceOf,
} from '../model/observation.ts';
import { NO_ENGINE } from '../model/engines.ts';
import type { DatabaseRecord, VolumeRecord } from '../model/records.ts';

export type Decision =
  /** `recheckInMs`: a rule is about to be met by the mere passing of time. `isWell`: served, with both copies. */
  | { readonly kind: 'none'; readonly why: string; readonly recheckInMs?: number; readonly isWell?: boolean }
  | { readonly kind: 'failover'; readonly to: string; readonly why: string; readonly detectedFromMs: number }
  | { readonly kind: 'reseed'; readonly source: string; readonly target: string; readonly why: string }
  | { readonly kind: 'recover-primary'; readonly why: string };

export interface Situation {
  readonly record: VolumeRecord;
  readonly database: DatabaseRecord;
  readonly hosts: Observed;
  readonly silenceMs: number;
  readonly controlUpSinceMs: number;
  readonly nowMs: number;
}

export function decide(situation: Situation): Decision {
  const { record, database } = situation;
  if (database.lifecycle === 'creating' || database.lifecycle === 'deleting')
    return none(`it is ${database.lifecycle}; that workflow looks after it`);
  if (database.busyWith !== '') return none(`${database.busyWith} holds it`);
  const primary = situation.hosts.get(record.primary);
  if (hostSilence(situation, record.primary) >= situation.silenceMs) return aboutSilentPrimary(situation);
  if (primary === undefined)
    return waitFor(situation, record.primary, 'control has not listened for long enough');
  const replica = primary.replicas.get(record.volume);
  if (replica !== undefined && servesNow(replica, record))
    return aboutServingPrimary(situation, primary, replica);
  if (replica?.state === 'RECOVERING' && replica.hostRebooted)
    return aboutRebootedPrimary(situation, replica);
  return aboutIdlePrimary(situation, replica);
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
  const candidate = otherInSync(record);
  if (candidate === undefined) return none(`${silent}; it alone holds every write, so it has to come back`);
  const refusal = whyNotPromotable(situation, candidate);
  if (refusal !== undefined) return none(`${silent}; ${refusal}`);
  const replica = situation.hosts.get(candidate)?.replicas.get(record.volume);
  const missingMs =
    situation.silenceMs - (replica === undefined ? 0 : peerSilence(situation, candidate, replica));
  if (missingMs > 0)
    return { ...none(`${silent}; ${candidate} has heard it more lately than that`), recheckInMs: missingMs };
  return {
    kind: 'failover',
    to: candidate,
    why: `${silent}, ${candidate} has not heard it either and holds every acknowledged write`,
    detectedFromMs: situation.hosts.get(record.primary)?.lastHeardMs ?? situation.controlUpSinceMs,
  };
}

/**
 * The primary's machine was restarted: what it had acknowledged and not yet flushed is gone there, and the secondary
 * still has it. It is given the minimum time to pull that from the secondary by itself.
 */
function aboutRebootedPrimary(situation: Situation, replica: ObservedReplica): Decision {
  const { record, silenceMs, nowMs } = situation;
  const candidate = otherInSync(record);
  const what = `${record.primary} is recovering after a restart of its machine`;
  if (candidate === undefined) return none(`${what}; nobody else holds every write`);
  const refusal = whyNotPromotable(situation, candidate);
  if (refusal !== undefined) return none(`${what}; ${refusal}`);
  const missingMs = silenceMs - (nowMs - replica.stateSinceMs);
  if (missingMs > 0) return { ...none(`${what}; it is given ${seconds(silenceMs)}`), recheckInMs: missingMs };
  const why = `${what}, and ${candidate} was not restarted: it holds writes that ${record.primary} may lack`;
  return { kind: 'failover', to: candidate, why, detectedFromMs: replica.stateSinceMs };
}

/** It gave the volume up in the record's own generation, and nothing it hears makes it take it back. */
const GAVE_UP: ReadonlySet<string> = new Set(['FENCED', 'STALE']);

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
  const candidate = otherInSync(record);
  const refusal =
    candidate === undefined ? 'nobody else holds every write' : whyNotPromotable(situation, candidate);
  if (candidate === undefined || refusal !== undefined)
    return handedOverMs >= silenceMs
      ? { kind: 'recover-primary', why: `${what}; ${String(refusal)}` }
      : none(`${what}; ${String(refusal)}`);
  const hasGivenUp =
    replica !== undefined && GAVE_UP.has(replica.state) && replica.generation === record.generation;
  const its = situation.hosts.get(candidate)?.replicas.get(record.volume);
  const lostMs = its === undefined ? 0 : peerSilence(situation, candidate, its);
  const missingMs = hasGivenUp ? 0 : silenceMs - Math.max(lostMs, handedOverMs);
  if (missingMs > 0) return { ...none(`${what}; it is given ${seconds(silenceMs)}`), recheckInMs: missingMs };
  return {
    kind: 'failover',
    to: candidate,
    why: `${what}, and ${candidate} holds every acknowledged write`,
    detectedFromMs: replica?.stateSinceMs ?? nowMs - lostMs,
  };
}

function standingOf(replica: ObservedReplica | undefined): string {
  if (replica === undefined) return 'reports no replica of the volume';
  return `its replica is ${replica.state}${replica.reason === '' ? '' : `: ${replica.reason}`}`;
}

function aboutServingPrimary(
  situation: Situation,
  primary: HostObservation,
  replica: ObservedReplica,
): Decision {
  const { record, database } = situation;
  const engine = primary.engines.find((candidate) => candidate.volume === record.volume);
  if (engine?.state === 'STARTING') return none('the engine is starting');
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
  if (replica.state === 'SOLO') return aboutMissingCopy(situation);
  return { ...none('all is well'), isWell: true };
}

const RESEEDABLE: ReadonlySet<string> = new Set(['BLANK', 'STALE', 'FENCED', 'JOINING', 'STEPPED_DOWN']);

/**
 * A secondary outside the set: most likely one that has just died, and whose last report is a moment old. One that
 * goes on reporting so, cut off from its primary, is brought back like the others.
 */
function isReseedable(situation: Situation, replica: ObservedReplica): boolean {
  if (replica.state !== 'SECONDARY') return RESEEDABLE.has(replica.state);
  const { disconnectedSinceMs } = replica;
  return disconnectedSinceMs !== undefined && situation.nowMs - disconnectedSinceMs >= situation.silenceMs;
}

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
  return none(`one copy only: ${others.join(', ') || 'no other host'} cannot be reached`);
}

/** Every rule about the candidate but its silence towards the primary, which the two cases see differently. */
export function whyNotPromotable(
  situation: Pick<Situation, 'record' | 'hosts' | 'silenceMs' | 'controlUpSinceMs' | 'nowMs'>,
  host: string,
): string | undefined {
  const { record } = situation;
  if (!record.inSync.includes(host)) return `${host} does not hold every acknowledged write`;
  const replica = situation.hosts.get(host)?.replicas.get(record.volume);
  if (!isReachable(situation, host)) return `${host} cannot be reached either`;
  if (replica === undefined) return `${host} reports no replica of the volume`;
  const isCandidate = replica.candidateFor === record.generation;
  if (replica.state !== 'SECONDARY' && !(replica.state === 'JOINING' && isCandidate))
    return `${host} is ${replica.state}, not an in-sync secondary`;
  if (replica.generation !== record.generation && !isCandidate)
    return `${host} stands at generation ${String(replica.generation)}, the record at ${String(record.generation)}`;
  if (replica.hostRebooted)
    return `the machine of ${host} was restarted and may lack acknowledged writes; ${record.primary} has to come back`;
  return undefined;
}

/** A link that is down stays silent while the report of it ages; one that is up may have spoken since. */
function peerSilence(situation: Situation, host: string, replica: ObservedReplica): number {
  if (replica.disconnectedSinceMs === undefined) return replica.peerSilenceMs;
  const reportAgeMs = hostSilence(situation, host);
  return Math.max(replica.peerSilenceMs + reportAgeMs, situation.nowMs - replica.disconnectedSinceMs);
}

function hostSilence(
  situation: Pick<Situation, 'hosts' | 'controlUpSinceMs' | 'nowMs'>,
  host: string,
): number {
  return silenceOf(situation.hosts.get(host), situation.controlUpSinceMs, situation.nowMs);
}

function isReachable(
  situation: Pick<Situation, 'hosts' | 'silenceMs' | 'controlUpSinceMs' | 'nowMs'>,
  host: string,
): boolean {
  return situation.hosts.has(host) && hostSilence(situation, host) < situation.silenceMs;
}

const otherInSync = (record: VolumeRecord): string | undefined =>
  record.inSync.find((host) => host !== record.primary);

const none = (why: string): { readonly kind: 'none'; readonly why: string } => ({ kind: 'none', why });

function waitFor(situation: Situation, host: string, why: string): Decision {
  return { ...none(why), recheckInMs: situation.silenceMs - hostSilence(situation, host) };
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
