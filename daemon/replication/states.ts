/**
 * The states of one replica of a volume, and which may follow which.
 *
 *                    first view            join                 view names it
 *        BLANK ───────────────────┐   ┌──────────── JOINING ─────────────────► SECONDARY
 *          └───────► JOINING      │   ▼                │  ▲                      │  │
 *                                 │  STALE ◄───────────┘  └── STALE, FENCED      │  │ promoted
 *                                 │   ▲ dropped from the in-sync set ────────────┘  ▼
 *                                 │   │                                        PROMOTING
 *                                 ▼   │ candidate promoted (from JOINING) ──────►  │ lease it granted is over
 *        RECOVERING ──► SOLO ◄────────┼────────────────────────────────────────────┘
 *            │           │ ▲          │
 *            ▼   joined  ▼ │ consent  │         any primary state ──► FENCED  (a newer generation names another)
 *          SERVING ◄───► HOLDING      │         SERVING, SOLO ──► STEPPED_DOWN ──► FENCED, or RECOVERING again
 *
 * Terms: docs/replication.md. A transition that is not in the table is a bug of ours, and an assertion says so.
 */
import { assert } from '../sys/errors.ts';

export type ReplicaState =
  /** Nothing was ever written here and no generation is known. */
  | 'BLANK'
  /** Holds data of an older generation, or an incomplete copy; serves nobody, and gives up nothing until told. */
  | 'STALE'
  /** A primary copies to it. */
  | 'JOINING'
  /** In the in-sync set: holds every acknowledged write. */
  | 'SECONDARY'
  /** The view names it primary, but its process started anew: it has to be made equal to its secondary first. */
  | 'RECOVERING'
  /** Named primary by a newer generation; waits out the lease that it granted to the one before. */
  | 'PROMOTING'
  /** Primary with an in-sync secondary whose lease it holds. */
  | 'SERVING'
  /** Primary that lost its secondary: writes are held, reads until the lease ends, control is asked. */
  | 'HOLDING'
  /** Primary alone in the in-sync set. */
  | 'SOLO'
  /** Was primary and gave it up by itself: nothing is in flight and nothing is acknowledged any more. */
  | 'STEPPED_DOWN'
  /** Was primary; a newer generation names another, or its own disk failed it. */
  | 'FENCED';

const legal = {
  BLANK: ['SOLO', 'JOINING'],
  STALE: ['JOINING', 'PROMOTING'],
  JOINING: ['SECONDARY', 'STALE', 'PROMOTING'],
  SECONDARY: ['PROMOTING', 'STALE'],
  RECOVERING: ['SERVING', 'HOLDING', 'SOLO', 'FENCED'],
  PROMOTING: ['SOLO', 'FENCED'],
  SERVING: ['HOLDING', 'STEPPED_DOWN', 'FENCED', 'SOLO'],
  HOLDING: ['SERVING', 'SOLO', 'FENCED', 'STEPPED_DOWN'],
  SOLO: ['SERVING', 'HOLDING', 'STEPPED_DOWN', 'FENCED'],
  STEPPED_DOWN: ['FENCED', 'RECOVERING', 'SOLO'],
  FENCED: ['JOINING', 'PROMOTING'],
} as const satisfies Readonly<Record<ReplicaState, readonly ReplicaState[]>>;

export const transitions: Readonly<Record<ReplicaState, readonly ReplicaState[]>> = legal;

/** When each is taken. The diagram in docs/replication.md is made of it (test/house/states-diagram.test.ts). */
export const transitionReasons: {
  readonly [From in ReplicaState]: Readonly<Record<(typeof legal)[From][number], string>>;
} = {
  BLANK: { SOLO: 'the first copy of the volume', JOINING: 'a primary copies to it' },
  STALE: { JOINING: 'a primary copies to it', PROMOTING: 'a person chose this copy' },
  JOINING: {
    SECONDARY: 'taken into the in-sync set',
    STALE: 'a newer generation is without it',
    PROMOTING: 'a candidate that was taken in is promoted, or a person chose this copy',
  },
  SECONDARY: {
    PROMOTING: 'promoted, or a person chose this copy',
    STALE: 'dropped from the in-sync set, or its disk failed',
  },
  RECOVERING: {
    SERVING: 'equal to every secondary',
    HOLDING: 'a secondary is missing',
    SOLO: 'control consents to go on alone',
    FENCED: 'a newer generation, or its disk failed',
  },
  PROMOTING: {
    SOLO: 'the lease that it granted is over',
    FENCED: 'a newer generation, or its disk failed',
  },
  SERVING: {
    HOLDING: 'a secondary is lost',
    STEPPED_DOWN: 'a handover, or its disk hangs',
    FENCED: 'a newer generation, or its disk failed',
    SOLO: 'control consented before the link was back',
  },
  HOLDING: {
    SERVING: 'the secondary is back',
    SOLO: 'control consents to go on alone',
    FENCED: 'a newer generation, or its disk failed',
    STEPPED_DOWN: 'a handover, or its disk hangs',
  },
  SOLO: {
    SERVING: 'the target is in sync',
    HOLDING: 'the link is lost while control is asked for the target',
    STEPPED_DOWN: 'a handover, or its disk hangs',
    FENCED: 'a newer generation, or its disk failed',
  },
  STEPPED_DOWN: {
    FENCED: 'a newer generation',
    RECOVERING: 'serves again, with others in the set or an answer unknown',
    SOLO: 'serves again, alone in the set',
  },
  FENCED: { JOINING: 'the new primary copies to it', PROMOTING: 'a person chose its copy' },
};

/** States in which clients may be connected: their requests are served or held, never refused. */
const primaryStates: ReadonlySet<ReplicaState> = new Set([
  'RECOVERING',
  'PROMOTING',
  'SERVING',
  'HOLDING',
  'SOLO',
]);

export function isPrimaryState(state: ReplicaState): boolean {
  return primaryStates.has(state);
}

export function checkTransition(from: ReplicaState, to: ReplicaState): void {
  assert(transitions[from].includes(to), `a replica does not go from ${from} to ${to}`);
}
