/**
 * Metadata contexts: their names, and which of them a query means ("Metadata querying" of the protocol text).
 *
 *   base:allocation         what is a hole
 *   lockstep:dirty/HOST     what differs, or may, from the copy on that host
 *   lockstep:diff/SNAPSHOT  what changed since that snapshot
 *
 * In the contexts of ours flag 1 says "differs", and a status of 0 "known to be equal".
 */
import type { DifferenceSource, ExportFacts } from './block.ts';

export type MetaContext = { readonly kind: 'allocation' } | DifferenceSource;

export interface NamedContext {
  readonly name: string;
  readonly context: MetaContext;
}

const ALLOCATION: NamedContext = { name: 'base:allocation', context: { kind: 'allocation' } };
const NAMESPACES = ['base:', 'lockstep:'];
/** A query that is one of these means all that begin with it, but only where a list is asked for. */
const WILDCARDS = ['base:', 'lockstep:', 'lockstep:dirty/', 'lockstep:diff/'];

export function contextsOf(facts: Pick<ExportFacts, 'differences'>): NamedContext[] {
  return [
    ALLOCATION,
    ...facts.differences.map((source) => ({
      name: `lockstep:${source.kind}/${source.name}`,
      context: source,
    })),
  ];
}

/** What a query lacks to be one; undefined: nothing. */
export function malformed(query: string): string | undefined {
  if (query.indexOf(':') > 0) return undefined;
  return `a query is a namespace, a colon and a name, not ${JSON.stringify(query)}`;
}

/** Each at most once, in the order of `available`. Queries of unknown namespaces, and for what is not there, mean nothing. */
export function matching(
  available: readonly NamedContext[],
  queries: readonly string[],
  options: { readonly wildcards: boolean },
): NamedContext[] {
  const known = queries.filter((query) => NAMESPACES.some((namespace) => query.startsWith(namespace)));
  return available.filter(({ name }) =>
    known.some(
      (query) => query === name || (options.wildcards && WILDCARDS.includes(query) && name.startsWith(query)),
    ),
  );
}
