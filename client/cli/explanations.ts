/** The words that `lockstep explain` knows: one table, by the kind of thing that a word is said of. Pure. */
import { CODES, ERRORS, FAMILIES } from './explain-errors.ts';
import { EVENT_FAMILIES, EVENTS } from './explain-events.ts';
import {
  DATABASE_STATES,
  REDUNDANCIES,
  REPLICA_STATES,
  VERDICTS,
  WORKFLOW_STATES,
} from './explain-states.ts';
import type { Entries, Explanation } from './explanation.ts';

export interface Explained extends Explanation {
  /** What the word is said of. */
  readonly kind: string;
  readonly word: string;
}

/** In the order in which a word with several meanings is explained. */
export const EXPLANATIONS: Readonly<Record<string, Entries>> = {
  'state of a database': DATABASE_STATES,
  redundancy: REDUNDANCIES,
  'state of a replica': REPLICA_STATES,
  'state of a workflow': WORKFLOW_STATES,
  verdict: VERDICTS,
  event: EVENTS,
  error: ERRORS,
  'code of an error': CODES,
};

const PREFIXES = /^(DATABASE_STATE|REDUNDANCY(?!_MODE)|WORKFLOW_STATE|TASK_STATE)_(?=[A-Z])/;

/** As people type it: any case, `-` and spaces for `_`, with or without the prefix that the API has. */
function wordOf(text: string): string {
  return text
    .trim()
    .toUpperCase()
    .replaceAll(/[\s-]+/g, '_')
    .replace(PREFIXES, '');
}

/** Every meaning of the word; of an error without an entry, that of its family; none: it is no word of ours. */
export function explain(text: string): readonly Explained[] {
  const word = wordOf(text);
  const found = Object.entries(EXPLANATIONS).flatMap(([kind, entries]) => {
    const entry = Object.hasOwn(entries, word) ? entries[word] : undefined;
    return entry === undefined ? [] : [explained(kind, word, entry)];
  });
  if (found.length > 0) return found;
  const families = { error: FAMILIES, event: EVENT_FAMILIES };
  for (const [kind, each] of Object.entries(families)) {
    const family = each.find(([pattern]) => pattern.test(word));
    if (family !== undefined) return [explained(kind, word, family[1])];
  }
  return [];
}

function explained(kind: string, word: string, [means, risk, next]: Entries[string]): Explained {
  return { kind, word, means, risk, next };
}

const MOST_ALIKE = 5;

/** Words that a person may have meant. */
export function alike(text: string): readonly string[] {
  const word = wordOf(text);
  const all = new Set(Object.values(EXPLANATIONS).flatMap((entries) => Object.keys(entries)));
  const parts = word.split('_').filter((part) => part.length > 2);
  return [...all].filter((known) => parts.some((part) => known.includes(part))).slice(0, MOST_ALIKE);
}
