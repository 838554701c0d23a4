/** What bench:failover found, as tables: rounds of several calls are one result. */
import type { FailoverRound } from './failover-rounds.ts';
import type { MoveRound } from './move-rounds.ts';
import { median } from './statistics.ts';

export interface FailoverResults {
  readonly machine: string;
  readonly provisionMs: number;
  readonly kill: readonly FailoverRound[];
  readonly partition: readonly MoveRound[];
  readonly switchover: readonly MoveRound[];
}

const AUTOMATIC = ['detect', 'fence', 'promote', 'attach_and_mount', 'engine_recovery', 'alias'] as const;
const PLANNED = ['prepare', 'shutdown', ...AUTOMATIC.slice(1)] as const;

export const BOUNDS_MS = {
  killMedian: 4000,
  killWorst: 8000,
  partitionWorst: 12_000,
  switchoverWorst: 2000,
} as const;

/** Each sentence names a bound that was not kept. */
export function brokenBounds({ kill, partition, switchover }: FailoverResults): readonly string[] {
  const commits = kill.map(({ firstCommitMs }) => firstCommitMs);
  const pauses = (rounds: readonly MoveRound[]): readonly number[] => rounds.map(({ pauseMs }) => pauseMs);
  const isAbove = (what: string, ms: number, boundMs: number): readonly string[] =>
    ms > boundMs ? [`${what} ${seconds(ms)}, above ${seconds(boundMs)}`] : [];
  const wrong = [...kill.flatMap(({ lost, doubled }) => [...lost, ...doubled])].length;
  const moved = [...partition, ...switchover].reduce((sum, { lost, doubled }) => sum + lost + doubled, 0);
  return [
    ...(kill.length === 0
      ? []
      : isAbove('first commit after a kill, median', median(commits), BOUNDS_MS.killMedian)),
    ...isAbove('first commit after a kill, worst', worst(commits), BOUNDS_MS.killWorst),
    ...isAbove('pause of a one-way partition, worst', worst(pauses(partition)), BOUNDS_MS.partitionWorst),
    ...isAbove('pause of a switchover, worst', worst(pauses(switchover)), BOUNDS_MS.switchoverWorst),
    ...(wrong + moved === 0 ? [] : [`${String(wrong + moved)} rows are lost or there twice`]),
  ];
}

export function reportText(results: FailoverResults, when: string): string {
  const { machine, provisionMs, kill, partition, switchover } = results;
  const broken = brokenBounds(results);
  return [
    '# Failover',
    `${machine}, ${when}. pgbench with 4 clients beside the client that is measured; it commits one row after the other through the alias, and finds the new primary by asking the alias again.`,
    broken.length === 0 ? 'All bounds are kept.' : `Bounds not kept: ${broken.join('; ')}.`,
    ...(kill.length === 0 ? [] : [killSection(kill, provisionMs)]),
    ...(partition.length === 0
      ? []
      : [moveSection('One-way partitions', 'packets of this way are gone for 12 s', partition, AUTOMATIC)]),
    ...(switchover.length === 0
      ? []
      : [moveSection('Switchover', 'a person asks for it, both copies in sync', switchover, PLANNED)]),
    '',
  ].join('\n\n');
}

function killSection(rounds: readonly FailoverRound[], provisionMs: number): string {
  const totals = rounds.map(({ firstCommitMs }) => firstCommitMs);
  const head = `## The host of the primary is killed\n\nEvery process of it gets SIGKILL. First commit after the kill: median ${seconds(median(totals))}, worst ${seconds(worst(totals))}, ${String(rounds.length)} rounds; provisioned in ${seconds(provisionMs)}.`;
  const rows = rounds.map((round, index) => killRow(String(index + 1), round));
  const middle = [
    'median',
    '',
    seconds(median(totals)),
    ...AUTOMATIC.map((phase) => seconds(median(rounds.map(({ phases }) => phases[phase] ?? 0)))),
    seconds(median(rounds.map(({ resyncMs }) => resyncMs))),
  ];
  return `${head}\n\n${table(
    [
      'round',
      'killed',
      'first commit',
      ...AUTOMATIC,
      'resync',
      'acknowledged',
      'lost',
      'doubled',
      'amcheck',
      'copies',
    ],
    [...rows, [...middle, '', '', '', '', '']],
  )}`;
}

export function killRow(name: string, round: FailoverRound): readonly string[] {
  return [
    name,
    round.killed,
    seconds(round.firstCommitMs),
    ...AUTOMATIC.map((phase) => seconds(round.phases[phase] ?? 0)),
    seconds(round.resyncMs),
    String(round.acknowledged),
    String(round.lost.length),
    String(round.doubled.length),
    round.amcheck === '' ? 'clean' : round.amcheck.slice(0, 60),
    round.firstDifference === undefined ? 'identical' : `differ at ${String(round.firstDifference)}`,
  ];
}

function moveSection(
  title: string,
  what: string,
  rounds: readonly MoveRound[],
  phases: readonly string[],
): string {
  const pauses = rounds.map(({ pauseMs }) => pauseMs);
  const head = `## ${title}\n\nIn each round ${what}. Longest time between two acknowledged commits: median ${seconds(median(pauses))}, worst ${seconds(worst(pauses))}, ${String(rounds.length)} rounds.`;
  const rows = rounds.map((round, index) => moveRow(String(index + 1), round, phases));
  return `${head}\n\n${table(['round', 'what', 'primary', 'pause', ...phases, 'acknowledged', 'lost', 'doubled'], rows)}`;
}

export function moveRow(name: string, round: MoveRound, phases: readonly string[] = []): readonly string[] {
  const { what, from, to, pauseMs, acknowledged, lost, doubled } = round;
  return [
    name,
    what,
    from === to ? `stays ${from}` : `${from} to ${to}`,
    seconds(pauseMs),
    ...phases.map((phase) => (round.phases[phase] === undefined ? '' : seconds(round.phases[phase]))),
    String(acknowledged),
    String(lost),
    String(doubled),
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

const worst = (values: readonly number[]): number => Math.max(0, ...values);

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
