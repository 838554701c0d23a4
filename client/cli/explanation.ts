/** What an explanation is, and the sentences that many share. */

export interface Explanation {
  /** One sentence or two: what the word means. */
  readonly means: string;
  /** Whether data is at risk. */
  readonly risk: string;
  /** What a person can do. */
  readonly next: string;
}

/** What it means, whether data is at risk, what to do. */
export type Entries = Readonly<Record<string, readonly [means: string, risk: string, next: string]>>;

export const NO_RISK = 'No data is at risk.';
export const ONE_COPY = 'One complete copy only: losing its host now would lose data or stop the database.';
export const NOTHING_TO_DO = 'Nothing.';
export const WATCH = 'Nothing but wait; to see how far it is: lockstep operation list';
export const NOT_DONE = 'Nothing was changed: it was refused.';
