/** Who may take over from a primary: the other members of the in-sync set, judged one by one. Pure. */
import { type Observed, type ObservedReplica, silenceOf } from '../model/observation.ts';
import type { VolumeRecord } from '../model/records.ts';

/** What is known at one instant. All times are in milliseconds on control's clock. */
export interface Knowledge {
  readonly record: VolumeRecord;
  readonly hosts: Observed;
  readonly silenceMs: number;
  readonly controlUpSinceMs: number;
  readonly nowMs: number;
}

export interface Secondary {
  readonly host: string;
  /** Why it may not be promoted, its silence towards the primary aside; undefined when it may. */
  readonly refusal: string | undefined;
  /** For how long it has not heard the primary. */
  readonly lostMs: number;
}

/**
 * The in-sync secondaries, the best successor first: one that may be promoted, that has lost the primary for long
 * enough, that control heard last; by name where all that is equal. A primary needs the answer of each of them, so one
 * that has lost it is enough to take over, whatever the others still hear.
 */
export function secondariesOf(knowledge: Knowledge): readonly Secondary[] {
  const { record, hosts, silenceMs } = knowledge;
  const isRefused = ({ refusal }: Secondary): number => (refusal === undefined ? 0 : 1);
  const lost = ({ lostMs }: Secondary): number => Math.min(silenceMs, lostMs);
  const heardMs = ({ host }: Secondary): number => hosts.get(host)?.lastHeardMs ?? 0;
  return record.inSync
    .filter((host) => host !== record.primary)
    .map((host) => ({
      host,
      refusal: whyNotPromotable(knowledge, host),
      lostMs: peerSilence(knowledge, host, hosts.get(host)?.replicas.get(record.volume)),
    }))
    .sort(
      (a, b) =>
        isRefused(a) - isRefused(b) ||
        lost(b) - lost(a) ||
        heardMs(b) - heardMs(a) ||
        (a.host < b.host ? -1 : 1),
    );
}

/** Every rule about the candidate but its silence towards the primary, which the cases of a failover see differently. */
export function whyNotPromotable(knowledge: Knowledge, host: string): string | undefined {
  const { record } = knowledge;
  if (!record.inSync.includes(host)) return `${host} does not hold every acknowledged write`;
  const replica = knowledge.hosts.get(host)?.replicas.get(record.volume);
  if (!isReachable(knowledge, host)) return `${host} cannot be reached either`;
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
function peerSilence(knowledge: Knowledge, host: string, replica: ObservedReplica | undefined): number {
  if (replica === undefined) return 0;
  if (replica.disconnectedSinceMs === undefined) return replica.peerSilenceMs;
  const reportAgeMs = hostSilence(knowledge, host);
  return Math.max(replica.peerSilenceMs + reportAgeMs, knowledge.nowMs - replica.disconnectedSinceMs);
}

export function hostSilence(
  { hosts, controlUpSinceMs, nowMs }: Pick<Knowledge, 'hosts' | 'controlUpSinceMs' | 'nowMs'>,
  host: string,
): number {
  return silenceOf(hosts.get(host), controlUpSinceMs, nowMs);
}

export function isReachable(
  knowledge: Pick<Knowledge, 'hosts' | 'silenceMs' | 'controlUpSinceMs' | 'nowMs'>,
  host: string,
): boolean {
  return knowledge.hosts.has(host) && hostSilence(knowledge, host) < knowledge.silenceMs;
}
