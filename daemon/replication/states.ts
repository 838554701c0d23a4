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

export const transitions: Readonly<Record<ReplicaState, readonly ReplicaState[]>> = {
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
