/**
 * The events of several subjects as one list, newest first. The revision of the store at which an event was written
 * orders them all, whatever the wall clock did; within one subject it grows with the number of the event.
 */
import type { EventRecord } from '../model/records.ts';
import { keys } from '../model/records.ts';
import type { ControlStore, Entry } from '../store/store.ts';

/** Sorts behind every sequence number, so that the next subject is found without reading this one's events. */
const BEHIND_EVERY_NUMBER = '~';
const CURSOR_DIGITS = 15;

export type EventEntry = Entry<EventRecord>;

/** Of an event in such a list: a later page begins below it. Cursors order as their events were written. */
export function cursorOf({ revision, key }: EventEntry): string {
  return `${String(revision).padStart(CURSOR_DIGITS, '0')} ${key}`;
}

/** The key prefixes of the subjects below `root` that have events, also of those that are no more. */
export async function subjectsBelow(store: ControlStore, root: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (let after = root; ;) {
    const [first] = await store.list(root, { after, limit: 1 });
    if (first === undefined) return found;
    const prefix = first.key.slice(0, first.key.lastIndexOf('/') + 1);
    found.push(prefix);
    after = prefix + BEHIND_EVERY_NUMBER;
  }
}

/** The subjects that a parent names; `databases/-` and `hosts/-` are all of a kind, nothing is all there are. */
export async function prefixesOf(store: ControlStore, parent: string): Promise<readonly string[]> {
  if (parent === '') return (await Promise.all(ROOTS.map((root) => subjectsBelow(store, root)))).flat();
  const [kind = '', name = ''] = parent.split('/');
  const isHost = kind === 'hosts';
  if (name === '-') return subjectsBelow(store, isHost ? keys.allHostEvents : keys.allEvents);
  return [isHost ? keys.hostEvents(name) : keys.events(name)];
}

const ROOTS = [keys.allEvents, keys.allHostEvents] as const;

/** What a watcher of the parent listens to. */
export function rootsOf(parent: string): readonly string[] {
  if (parent === '') return ROOTS;
  const [kind = '', name = ''] = parent.split('/');
  const isHost = kind === 'hosts';
  if (name === '-') return [isHost ? keys.allHostEvents : keys.allEvents];
  return [isHost ? keys.hostEvents(name) : keys.events(name)];
}

export interface FeedOptions {
  readonly limit: number;
  /** Only what was written before the event with this cursor. */
  readonly before: string | undefined;
  readonly isWanted: (event: EventRecord) => boolean;
}

/** Up to `limit` events of these subjects, newest first. */
export async function newestOf(
  store: ControlStore,
  prefixes: readonly string[],
  options: FeedOptions,
): Promise<readonly EventEntry[]> {
  const perSubject = await Promise.all(prefixes.map((prefix) => newestOfOne(store, prefix, options)));
  return perSubject
    .flat()
    .sort((a, b) => (cursorOf(a) < cursorOf(b) ? 1 : -1))
    .slice(0, options.limit);
}

/** A subject keeps a bounded number of events, so that the way to a late page is bounded too. */
async function newestOfOne(
  store: ControlStore,
  prefix: string,
  { limit, before, isWanted }: FeedOptions,
): Promise<readonly EventEntry[]> {
  const found: EventEntry[] = [];
  let after: { readonly after?: string } = {};
  while (found.length < limit) {
    const chunk = await store.list<EventRecord>(prefix, { ...after, limit, reverse: true });
    const wanted = chunk.filter(
      (entry) => (before === undefined || cursorOf(entry) < before) && isWanted(entry.value),
    );
    found.push(...wanted);
    const last = chunk.at(-1);
    if (last === undefined || chunk.length < limit) break;
    after = { after: last.key };
  }
  return found.slice(0, limit);
}
