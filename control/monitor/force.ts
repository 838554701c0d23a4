/**
 * A person's last resort: a replica that may lack acknowledged writes is made primary, because the one that has them
 * is lost for good. Pure.
 */
import type { ObservedReplica } from '../model/observation.ts';
import type { VolumeRecord } from '../model/records.ts';
import { newestView } from './catch-up.ts';
import { servesNow } from './decide.ts';
import { hostSilence, isReachable, type Knowledge, secondariesOf } from './successor.ts';

/** Above what a host that was not heard may hold, where the record is known to be older than some host's. */
const LEAP = 1000;

/** What a person can choose: a copy that serves nobody. */
const IDLE: ReadonlySet<string> = new Set(['STALE', 'JOINING', 'SECONDARY']);
/** And a primary that waits for a member of its set which is lost. */
const STUCK: ReadonlySet<string> = new Set(['RECOVERING', 'HOLDING', 'STEPPED_DOWN']);

/** One sentence; undefined where nothing speaks against it but what it may lose. */
export function whyNotForce(knowledge: Knowledge, host: string): string | undefined {
  const { record } = knowledge;
  if (!record.replicas.includes(host)) return `${host} is no replica of ${record.volume}`;
  const staying = whyPrimaryStays(knowledge, host);
  if (staying !== undefined) return staying;
  if (!isReachable(knowledge, host)) return `${host} cannot be reached`;
  const replica = replicaOf(knowledge, host);
  if (replica === undefined) return `${host} reports no replica of ${record.volume}`;
  if (replica.consistentAt === 0)
    return `the replica on ${host} was never complete: there is nothing to go back to`;
  if (host === record.primary && servesNow(replica, record)) return `${host} is the primary, and serves`;
  const isOwn = host === record.primary && STUCK.has(replica.state);
  if (!isOwn && !IDLE.has(replica.state))
    return `the replica on ${host} is ${replica.state}; restart its daemon, and look again`;
  return whyNotNeeded(knowledge);
}

function whyPrimaryStays(knowledge: Knowledge, host: string): string | undefined {
  const { record, silenceMs } = knowledge;
  if (host === record.primary || record.primary === '') return undefined;
  const primary = replicaOf(knowledge, record.primary);
  if (isReachable(knowledge, record.primary))
    return primary === undefined || primary.state === 'UNREADABLE'
      ? undefined
      : `the primary ${record.primary} is heard, and its replica is ${primary.state}; stop its daemon, if it is to be given up`;
  // Never heard: by a control that has not listened for long.
  return hostSilence(knowledge, record.primary) < silenceMs
    ? `control has not listened for long enough to say that ${record.primary} is gone`
    : undefined;
}

function whyNotNeeded(knowledge: Knowledge): string | undefined {
  const ready = secondariesOf(knowledge).find(({ refusal }) => refusal === undefined);
  return ready === undefined
    ? undefined
    : `${ready.host} holds every acknowledged write and takes over by itself`;
}

/** Alone in its set, in a generation above all that any host may have acted in. */
export function forcedRecord(knowledge: Knowledge, host: string): VolumeRecord {
  const { record, hosts } = knowledge;
  const reported = record.replicas
    .map((one) => replicaOf(knowledge, one)?.generation ?? 0)
    .filter((generation) => Number.isSafeInteger(generation));
  const isClear =
    newestView(record, hosts).kind === 'current' && record.replicas.every((one) => hosts.has(one));
  const generation = Math.max(record.generation, ...reported) + (isClear ? 1 : LEAP);
  return { ...record, generation, primary: host, inSync: [host] };
}

const replicaOf = ({ hosts, record }: Knowledge, host: string): ObservedReplica | undefined =>
  hosts.get(host)?.replicas.get(record.volume);
