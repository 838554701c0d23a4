/**
 * What is searched: the model as it is, runs that have to exist in it, and the model with one rule taken away. A name
 * in capitals is a macro of replication.pml or of what it includes.
 */
import { type Found, search } from './spin.ts';

export interface Planned {
  readonly name: string;
  readonly what: string;
  /** A run is looked for that breaks a promise, or is a witness. Else there must be none. */
  readonly isFound: boolean;
  readonly macros: Readonly<Record<string, number | string>>;
}

/** A model in which little can happen breaks no promise either: each of these has to be found. */
const witnesses: Readonly<Record<string, string>> = {
  PROMOTED: 'the secondary is promoted and serves',
  TAKEN_IN_AGAIN: 'the old primary is copied to, and taken in',
  MOVED_BACK: 'it is promoted in its turn',
  ORPHAN_PULLED: 'a primary that restarted takes over a write that it never acknowledged',
  ANSWER_NEVER_HEARD: 'control took a target in, and the primary that asked died before it heard that',
  LATE_PROPOSAL: 'control lets a primary go on alone that has its secondary back already',
  LEFT_BEHIND: 'a fenced primary holds a write that nobody else has',
};

/** One rule each; without it a promise is broken. */
const mutations: Readonly<Record<string, string>> = {
  NO_LEASE_WAIT: 'a promoted replica serves while the lease that it granted runs',
  LEASE_FORGOTTEN: 'a restart forgets the lease that was granted before it',
  LEASE_FROM_THE_WRONG_END: 'a lease may end at its grantor before it does at its holder',
  LEASE_SURVIVES_HANDOVER: 'a lease that was given back is used again when the handover is undone',
  PROMOTING_NOT_DURABLE: 'a restart ends a promotion without the wait',
  NO_GENERATION_CHECK: 'frames of any generation are taken and answered, in any role',
  NO_COMPARE_AND_SET: 'the store takes proposals from generations that are over',
  SOLO_WITHOUT_CONSENT: 'a primary that lost its secondary goes on without asking',
  APPLY_BEFORE_ANSWER: 'the primary applies a write before the answer of its secondary',
  SERVE_WITHOUT_PULL: 'a restarted primary serves without what only its secondary holds',
  ASKING_NOT_OBEYED: 'while control is asked to take a target in, nothing waits for the target',
  ASKING_NOT_DURABLE: 'a restart forgets that control was asked to take a target in',
  SERVE_AGAIN_WHILE_ASKING: 'a handover is undone with the answer to a proposal unknown',
  FLUSH_FAILURE_FORGOTTEN: 'a secondary whose flush failed may still be promoted',
  CANDIDATE_NOT_DURABLE: 'a target forgets in a restart that it may be promoted',
};

/** Not of the promises to clients: nobody could be promoted. */
const SEEN_AT_A_MEMBER = 'CANDIDATE_NOT_DURABLE';

/** One failure is enough for what has to be found, and quick. */
const FEW_FAILURES = { FAILURES: 1 } as const;

export const planned: readonly Planned[] = [
  { name: 'as it is', what: 'every promise is kept in every run', isFound: false, macros: {} },
  ...Object.entries(witnesses).map(([name, what]): Planned => {
    return { name, what, isFound: true, macros: { HAPPENS: name, ...FEW_FAILURES } };
  }),
  ...Object.entries(mutations).map(([name, what]): Planned => {
    const clientsOnly = name === SEEN_AT_A_MEMBER ? {} : { CLIENTS_ONLY: 1 };
    return { name, what, isFound: true, macros: { [name]: 1, ...FEW_FAILURES, ...clientsOnly } };
  }),
];

export function run({ isFound, macros }: Planned, signal: AbortSignal): Promise<Found> {
  return search({ macros, shortest: isFound, signal });
}

/** Why it is not as planned; undefined: it is. */
export function complaintOf({ name, isFound }: Planned, { breach }: Found): string | undefined {
  if (isFound) return breach === undefined ? `${name}: no such run` : undefined;
  return breach === undefined ? undefined : [...breach.transcript, `broken: ${breach.promise}`].join('\n');
}
