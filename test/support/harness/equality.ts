/** Whether disks are equal that have to be. */
import { isPrimaryState, type ReplicaState } from '../../../daemon/replication/states.ts';
import type { VirtualDisk } from './disk.ts';
import type { Durability } from './durability.ts';
import type { Host } from './host.ts';
import type { Process } from './process.ts';
import type { World } from './world.ts';

export class Equality {
  readonly #world: World;
  readonly #durability: Durability;
  /** Of all disks when they were last found equal. */
  #comparedChanges = -1;

  constructor(world: World, durability: Durability) {
    this.#world = world;
    this.#durability = durability;
  }

  /** Members of the in-sync set differ only in writes that nobody was told of. */
  check(when: string): void {
    const { isCurrent, record } = this.#world.control;
    if (!isCurrent) return;
    const { inSync } = record;
    if (inSync.length < 2) return;
    const hosts: Host[] = [];
    let changes = inSync.length;
    for (const name of inSync) {
      const host = this.#durability.isLossy(name) ? undefined : this.#world.hosts.get(name);
      if (host === undefined) continue;
      hosts.push(host);
      changes += host.disk.changes;
    }
    const [first, ...others] = hosts;
    if (first === undefined || others.length === 0 || changes === this.#comparedChanges) return;
    this.#comparedChanges = changes;
    for (const other of others) this.#checkPair(first, other, when);
  }

  /** A replica of which its primary says that it lacks nothing, and one that a primary calls in sync, is. */
  checkStatus(process: Process): void {
    const { control } = this.#world;
    const { view, dirty, state } = process.status;
    const { generation, primary, inSync } = control.record;
    if (!control.isCurrent) return;
    if (view.generation > generation)
      this.#world.breach(`${process.name} is of generation ${view.generation}, which nobody decided`);
    if (view.generation !== generation) return;
    if (view.primary !== primary || view.inSync.join(' ') !== inSync.join(' '))
      this.#world.breach(
        `${process.name} says that ${view.inSync.join(' ')} are in sync, and the record does not`,
      );
    if (!isPrimaryState(state)) return;
    for (const { host, isKnown, dirtyBytes } of dirty)
      if (isKnown && dirtyBytes === 0) this.#checkClean(process, host);
  }

  /** Every member of the set is there, in the part that the record gives it. */
  whyNotServed(): string {
    const { primary, inSync } = this.#world.control.record;
    const { isAway, isCurrent } = this.#world.control;
    if (isAway || !isCurrent) return 'control does not know the newest decision';
    for (const name of inSync) {
      const process = this.#world.process(name);
      // The primary of a volume with a single host is alone in the set.
      const state: ReplicaState = name !== primary ? 'SECONDARY' : inSync.length === 1 ? 'SOLO' : 'SERVING';
      if (process?.state !== state)
        return `${name} is ${process?.state ?? 'dead'}: ${process?.status.reason ?? ''}`;
    }
    return '';
  }

  /** All copies in sync, and nothing under way that could make them differ. */
  whyNotRedundant(): string {
    const { control, network, unanswered } = this.#world;
    const { inSync } = control.record;
    if (inSync.length < this.#world.hosts.size) return `in sync is ${inSync.join(' ')}`;
    const notServed = this.whyNotServed();
    if (notServed !== '') return notServed;
    const busy = this.#world.processes().find((process) => !process.isQuiet);
    if (busy !== undefined) return `${busy.name} is busy`;
    if (unanswered.size > 0) return `requests ${[...unanswered.keys()].join(' ')} are not answered`;
    return network.framesInFlight > 0 ? 'frames are in flight' : '';
  }

  checkAllEqual(): void {
    const [first, ...others] = [...this.#world.hosts.values()];
    for (const other of others)
      for (const at of differences(first?.disk, other.disk))
        this.#world.breach(`${inWords(at, first, other)}, with nothing in flight`);
  }

  /** The target is the copy that the map is of, and no write came since: equal, but for what is in flight. */
  #checkClean(process: Process, name: string): void {
    const target = this.#world.hosts.get(name);
    const tracked = process.host.store.durable.tracked.find(({ host }) => host === name);
    if (target === undefined || tracked?.covers !== true || this.#durability.isLossy(name)) return;
    const { consistentAt, mixed } = target.store.durable;
    if (mixed || consistentAt < tracked.since || consistentAt > tracked.until) return;
    this.#checkPair(process.host, target, 'and the dirty map says that nothing is missing');
  }

  #checkPair(first: Host, other: Host, when: string): void {
    for (const at of differences(first.disk, other.disk))
      if (!this.#world.history.isOpen(at))
        this.#world.breach(`${inWords(at, first, other)} ${when}, and no write to it is in flight`);
  }
}

function differences(first: VirtualDisk | undefined, second: VirtualDisk): readonly number[] {
  if (first === undefined) return [];
  const found: number[] = [];
  const { stamps } = first;
  const others = second.stamps;
  for (let at = 0; at < stamps.length; at++) if (stamps[at] !== others[at]) found.push(at);
  return found;
}

const inWords = (at: number, first: Host | undefined, other: Host): string =>
  `sector ${at} is ${first?.disk.stamps[at] ?? 0} on ${first?.name ?? ''} and ${other.disk.stamps[at] ?? 0} on ${other.name}`;
