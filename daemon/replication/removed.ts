/** What becomes of dirty maps when the in-sync set of a primary changes. */
import type { Core } from './core.ts';
import type { DirtyMaps } from './dirty.ts';
import type { MapChange, Tracked, View } from './interface.ts';
import type { Primary } from './primary.ts';

/** The maps of those that leave the set begin, of those that come into it end, with the view itself. */
export function trackRemoved(
  core: Core,
  dirty: DirtyMaps,
  primary: Primary,
  next: View,
): { readonly tracked: readonly Tracked[]; readonly maps: readonly MapChange[] } {
  const { durable, host, state } = core;
  const old = durable.view;
  const removed = old.inSync.filter((member) => member !== host && !next.inSync.includes(member));
  const kept = durable.tracked.filter(
    (entry) => !next.inSync.includes(entry.host) && !removed.includes(entry.host),
  );
  const gone = durable.tracked.filter((entry) => !kept.includes(entry));
  const forgotten = gone.map((entry) => dirty.forget(entry.host));
  // A process that started anew does not know what was written since all were last stable.
  if (state === 'RECOVERING') return { tracked: kept, maps: forgotten };
  const regions = primary.unstable.regions();
  const begun = removed.map((member) => leaving(primary, member, old.generation));
  const maps = [...forgotten, ...begun.map((entry) => dirty.replace(entry.host, regions))];
  return { tracked: [...kept, ...begun], maps };
}

/** One that a restarted primary did not find equal may hold writes that nobody else got. */
function leaving(primary: Primary, host: string, generation: number): Tracked {
  const peer = primary.peers.get(host);
  const covers = peer?.isCovered === true;
  const since = covers ? peer.generationKnown : generation;
  return { host, since, until: generation, covers, copying: 0, compare: false };
}
