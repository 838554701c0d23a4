/**
 * What the state of the cluster means for a person. It believes nothing by halves: "healthy" is said of a database
 * only if every field that could contradict it agrees, so that one copy is never called healthy.
 */
import { type ClusterStatus } from '../../proto/gen/lockstep/v1/cluster_service.ts';
import {
  type Database,
  DatabaseState,
  Redundancy,
  type Replica,
} from '../../proto/gen/lockstep/v1/database_service.ts';
import { type Host } from '../../proto/gen/lockstep/v1/host_service.ts';
import { unreachable } from '../../daemon/sys/errors.ts';
import { databaseId, hostId } from '../resource-names.ts';
import { formatSize } from './size.ts';
import { counted, formatDuration, type Style } from './text.ts';

export type Level = Extract<Style, 'good' | 'busy' | 'warning' | 'danger'>;

/** Something that is not right, or not yet: what it means and what to do about it. */
export interface Finding {
  readonly level: Level;
  readonly subject: string;
  /** Continues the subject in the headline: `is not served`. */
  readonly predicate: string;
  readonly meaning: string;
  /** Empty when there is nothing to do but wait. */
  readonly advice: string;
}

export interface Verdict {
  readonly level: Level;
  readonly headline: string;
  readonly findings: readonly Finding[];
}

/** A headline is one line or two; the rest is below it. */
const MAX_CLAUSES = 3;
const RANK: Readonly<Record<Level, number>> = { good: 0, busy: 1, warning: 2, danger: 3 };

export function verdictOf(status: ClusterStatus): Verdict {
  const all = [...status.databases.map(judgeDatabase), ...judgeHosts(status.hosts)];
  const findings = all.filter((finding) => finding.level !== 'good');
  findings.sort((a, b) => RANK[b.level] - RANK[a.level]);
  const level = findings[0]?.level ?? 'good';
  return { level, headline: headlineOf(level, findings, status.databases.length), findings };
}

function headlineOf(level: Level, findings: readonly Finding[], databases: number): string {
  const worst = findings.filter((finding) => finding.level === level);
  const clauses = worst.slice(0, MAX_CLAUSES).map((finding) => `${finding.subject} ${finding.predicate}`);
  const more = worst.length > MAX_CLAUSES ? `; and ${String(worst.length - MAX_CLAUSES)} more` : '';
  const text = `${clauses.join('; ')}${more}.`;
  switch (level) {
    case 'good':
      if (databases === 0) return 'READY: every host answers; there are no databases yet.';
      return `HEALTHY: ${counted(databases, 'database')}, in sync in two zones; every host answers.`;
    case 'busy':
      return `AT WORK: ${text}`;
    case 'warning':
      return `ATTENTION: ${text}`;
    case 'danger':
      return `TROUBLE: ${text}`;
    default:
      return unreachable(level);
  }
}

export function judgeDatabase(database: Database): Finding {
  const subject = databaseId(database.name);
  const found = meaningOf(database, subject);
  const reason = database.reason === '' || found.level === 'good' ? '' : ` ${sentence(database.reason)}`;
  return {
    level: found.level,
    subject,
    predicate: found.predicate,
    meaning: `${found.meaning}${reason}`,
    advice: database.nextStep === '' ? found.advice : sentence(database.nextStep),
  };
}

type Meaning = Omit<Finding, 'subject'>;

function meaningOf(database: Database, id: string): Meaning {
  switch (database.state) {
    case DatabaseState.DATABASE_STATE_CREATING:
      return {
        level: 'busy',
        predicate: 'is being created',
        meaning: 'It is being created and takes no clients yet.',
        advice: watchAdvice(database),
      };
    case DatabaseState.DATABASE_STATE_DELETING:
      return {
        level: 'busy',
        predicate: 'is being deleted',
        meaning: 'It is being deleted.',
        advice: watchAdvice(database),
      };
    case DatabaseState.DATABASE_STATE_FAILING_OVER:
      return {
        level: 'warning',
        predicate: 'is failing over',
        meaning:
          'Its primary is being replaced by the secondary. Clients are cut off for some seconds and reconnect ' +
          'through the alias; nothing that was committed is lost.',
        advice: watchAdvice(database),
      };
    case DatabaseState.DATABASE_STATE_UNAVAILABLE:
      return {
        level: 'danger',
        predicate: 'is not served',
        meaning: 'Nobody serves it now: clients cannot connect.',
        advice: `Bring its hosts back (listed above), and see: lockstep database events ${id}`,
      };
    case DatabaseState.DATABASE_STATE_FAILED:
      return {
        level: 'danger',
        predicate: 'waits for a person',
        meaning: 'A workflow stopped and asks for a person.',
        advice: `See why: lockstep database events ${id}. A failed create is taken away by: lockstep database delete ${id}`,
      };
    case DatabaseState.DATABASE_STATE_ACTIVE:
      return meaningOfActive(database, id);
    case DatabaseState.DATABASE_STATE_UNSPECIFIED:
      return unknownState();
    default:
      return unknownState();
  }
}

/** A newer server may say what this client has no word for: that is no reason to call it well. */
function unknownState(): Meaning {
  return {
    level: 'warning',
    predicate: 'is in a state that this client does not know',
    meaning: 'The server reports a state that this client does not know.',
    advice: 'Use the client of the version that the server runs.',
  };
}

function meaningOfActive(database: Database, id: string): Meaning {
  if (!isThere(database.primary))
    return {
      level: 'danger',
      predicate: 'has lost the host of its primary',
      meaning: `The host of its primary${hostNamed(database.primary)} does not answer.`,
      advice:
        'If it stays away, the secondary takes over by itself once it is certain that the primary is gone.',
    };
  switch (database.redundancy) {
    case Redundancy.REDUNDANCY_IN_SYNC:
      return meaningOfInSync(database);
    case Redundancy.REDUNDANCY_SEEDING:
      return {
        level: 'busy',
        predicate: 'has one copy only, the second is being made',
        meaning: `One copy only until the second is made for the first time: ${copyLeft(database)}.`,
        advice: '',
      };
    case Redundancy.REDUNDANCY_RESYNCING:
      return {
        level: 'warning',
        predicate: 'has one complete copy only, the other is catching up',
        meaning: `One complete copy only: the other is being brought up to date, ${copyLeft(database)}.`,
        advice: 'Nothing to do but wait; do not stop the host of its primary meanwhile.',
      };
    case Redundancy.REDUNDANCY_DEGRADED:
      return {
        level: 'warning',
        predicate: 'has one copy only',
        meaning: 'It is served, but from one copy only: losing the host of its primary now would stop it.',
        advice: `Bring the other host back${hostNamed(database.secondary)}; its copy is brought up to date by itself.`,
      };
    case Redundancy.REDUNDANCY_NONE:
      return {
        level: 'warning',
        predicate: 'is kept in one zone only',
        meaning: 'It was made with one copy, as a clone is: losing that host would lose it.',
        advice: `Where that matters: lockstep database convert ${id} --to replicated`,
      };
    case Redundancy.REDUNDANCY_UNSPECIFIED:
      return unknownState();
    default:
      return unknownState();
  }
}

function meaningOfInSync(database: Database): Meaning {
  if (!isThere(database.secondary))
    return {
      level: 'warning',
      predicate: 'has one copy within reach',
      meaning: `The host of its second copy${hostNamed(database.secondary)} does not answer.`,
      advice: 'Look after that host: with one copy only, a second failure would stop the database.',
    };
  if (!database.safeToFailOver || database.lagBytes > 0n)
    return {
      level: 'warning',
      predicate: 'cannot fail over safely',
      meaning: `Its copies are not equal just now (${formatSize(database.lagBytes)} behind): a failover is not safe.`,
      advice: 'If it stays so, look at the network between the two hosts.',
    };
  return {
    level: 'good',
    predicate: 'is in sync',
    meaning: 'Both copies hold every acknowledged write.',
    advice: '',
  };
}

function judgeHosts(hosts: readonly Host[]): readonly Finding[] {
  const silent = hosts
    .filter((host) => !host.reachable)
    .map((host): Finding => {
      const silence = host.silenceMs > 0 ? ` for ${formatDuration(host.silenceMs)}` : '';
      return {
        level: 'warning',
        subject: hostId(host.name),
        predicate: 'does not answer',
        meaning: `It has been silent${silence}: what it stores does not follow, and it cannot take over.`,
        advice: `Check the machine at ${host.address}, its network and its Lockstep daemon.`,
      };
    });
  const zones = new Set(hosts.filter((host) => host.roles.includes('storage')).map((host) => host.zone));
  if (zones.size >= 2) return silent;
  const has =
    zones.size === 0 ? 'no host stores volumes' : `all hosts that store are in zone ${[...zones].join('')}`;
  return [
    ...silent,
    {
      level: 'warning',
      subject: 'zones',
      predicate: 'are fewer than two',
      meaning: `A replicated database cannot be created: ${has}.`,
      advice: 'Start a storage host in each of two zones (docs/install.md).',
    },
  ];
}

function isThere(replica: Replica | undefined): replica is Replica {
  return replica?.reachable === true;
}

function hostNamed(replica: Replica | undefined): string {
  return replica === undefined || replica.host === '' ? '' : `, ${hostId(replica.host)},`;
}

function copyLeft(database: Database): string {
  if (database.copyLeftBytes === 0n) return 'how much is left is not known yet';
  const left = `${formatSize(database.copyLeftBytes)} left`;
  if (database.copyBytesPerSecond <= 0n) return left;
  const seconds = Number(database.copyLeftBytes) / Number(database.copyBytesPerSecond);
  return `${left} at ${formatSize(database.copyBytesPerSecond)}/s, about ${formatDuration(Math.max(seconds, 1) * 1000)}`;
}

function watchAdvice(database: Database): string {
  return database.busyWith === '' ? '' : `Watch it: lockstep operation watch ${database.busyWith}`;
}

/** Starts and ends as a sentence does, whoever wrote it; a name of a host or a command at its start stays as it is. */
function sentence(text: string): string {
  const starts = /^[a-z]+ /.test(text) && !text.startsWith('lockstep ');
  const begun = starts ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
