/**
 * A way to get the product wrong: texts, and what stands in their place. Each text must be there once, so that the list
 * cannot rot in silence when the code moves on. Pure.
 */

export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface Mutation {
  readonly name: string;
  /** What is wrong then; and where no seed can find it, why. */
  readonly what: string;
  /** More than one where a second guard says the same as the first. Each in a file of its own, or in this order. */
  readonly edits: readonly Edit[];
}

export const FILES = {
  cleaning: 'daemon/replication/cleaning.ts',
  consent: 'daemon/replication/consent.ts',
  core: 'daemon/replication/core.ts',
  dirty: 'daemon/replication/dirty.ts',
  flush: 'daemon/replication/flush.ts',
  follower: 'daemon/replication/follower.ts',
  join: 'daemon/replication/join.ts',
  leader: 'daemon/replication/leader.ts',
  links: 'daemon/replication/links.ts',
  primary: 'daemon/replication/primary.ts',
  promotion: 'daemon/replication/promotion.ts',
  recovery: 'daemon/replication/recovery.ts',
  removed: 'daemon/replication/removed.ts',
  repair: 'daemon/replication/repair.ts',
  replica: 'daemon/replication/replica.ts',
  scrub: 'daemon/replication/scrub.ts',
  scrubList: 'daemon/replication/scrub-list.ts',
  secondary: 'daemon/replication/secondary.ts',
  verdict: 'daemon/replication/verdict.ts',
  catchUp: 'control/monitor/catch-up.ts',
  propose: 'control/monitor/propose.ts',
  successor: 'control/monitor/successor.ts',
} as const;

/** The text with the edit in it, or why it cannot be put there. */
export function edited(
  text: string,
  { find, replace, file }: Edit,
  name: string,
): { readonly text: string } | { readonly problem: string } {
  const parts = text.split(find);
  const count = parts.length - 1;
  if (count !== 1)
    return {
      problem: `mutation ${name}: its text is ${count === 0 ? 'not' : `${count} times`} in ${file}, and has to be there once: ${JSON.stringify(find.trim())}`,
    };
  return { text: parts.join(replace) };
}
