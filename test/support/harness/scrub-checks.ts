/**
 * A scrub reports only what is damaged on some replica, repairs nobody from a replica whose bytes it has seen damaged,
 * and lets no damage pass that was there all the while.
 */
import type { Effect, Mismatch } from '../../../daemon/replication/interface.ts';
import type { Soundness } from '../../../daemon/replication/messages.ts';
import type { Region } from '../../../daemon/replication/units.ts';
import { SECTORS_PER_REGION } from './disk.ts';
import type { Host } from './host.ts';
import type { Process } from './process.ts';
import type { World } from './world.ts';

const LOOK_MS = 20;
/** No write has such a stamp. */
const FIRST_MARK = 2 ** 31;
let marks = 0;

export function rot({ disk }: Host, sector: number): void {
  disk.rot(sector, FIRST_MARK + (marks++ % FIRST_MARK));
}

export class ScrubChecks {
  readonly #world: World;
  /** By host and region: what was wrong when a scrub looked at it last, and what the checksum said of it. */
  readonly #seen = new Map<string, Seen>();
  /** Passes that came to their end. */
  passes = 0;

  constructor(world: World) {
    this.#world = world;
  }

  verifies({ host }: Process, region: Region): void {
    const { disk, name } = host;
    const { soundness } = disk.verify(region);
    const { mark: markBefore } = this.#seenOf(name, region);
    this.#seen.set(`${name} ${region}`, { mark: disk.damageOf(region), soundness, markBefore });
  }

  effect(process: Process, effect: Effect): void {
    if (effect.type === 'mismatch') this.#reported(process, effect.finding);
    if (effect.type !== 'send') return;
    const { type } = effect.message;
    if (type !== 'copy-data' && type !== 'copy-zero') return;
    const to = process.peerOf(effect.link) ?? '';
    if (process.view.inSync.includes(to)) this.#repairs(process, to, effect.message.region);
  }

  /** From now on, by whoever serves; looked at until it ends. */
  begin(process: Process, anew: boolean): void {
    const { scheduler } = this.#world;
    if (process.status.scrub?.phase === 'RUNNING') return;
    process.deliver({ type: 'scrub', anew });
    const { scrub, view } = process.status;
    if (scrub?.phase !== 'RUNNING') return;
    const damage = this.#damageOf(view.inSync).filter(({ region }) => region >= scrub.cursor);
    scheduler.every(LOOK_MS, () => {
      const { scrub: now } = process.status;
      if (!process.alive || now === undefined) return false;
      if (now.phase === 'DONE') this.#passed(damage, new Set(now.mismatches.map(({ region }) => region)));
      return now.phase === 'RUNNING';
    });
  }

  damagedRegions(): readonly Region[] {
    return this.#damageOf([...this.#world.hosts.keys()]).map(({ region }) => region);
  }

  #passed(before: readonly Damage[], reported: ReadonlySet<Region>): void {
    this.passes++;
    for (const { host, region, mark } of before)
      if (this.#world.hosts.get(host)?.disk.damageOf(region) === mark && !reported.has(region))
        this.#world.breach(`a scrub ended, and did not find that region ${region} of ${host} is damaged`);
  }

  #damageOf(hosts: readonly string[]): readonly Damage[] {
    const regions = this.#world.sectors / SECTORS_PER_REGION;
    return hosts.flatMap((host) =>
      Array.from({ length: regions }, (_unused, region) => region).flatMap((region) => {
        const mark = this.#world.hosts.get(host)?.disk.damageOf(region) ?? '';
        return mark === '' ? [] : [{ host, region, mark }];
      }),
    );
  }

  /** One that answered may have left the set since. */
  #reported({ name, view }: Process, { region, differ, damaged }: Mismatch): void {
    if ([...view.inSync, ...differ, ...damaged].every((host) => this.#seenOf(host, region).mark === ''))
      this.#world.breach(`${name} reports region ${region}, in which nothing is damaged`);
  }

  #repairs({ name }: Process, to: string, region: Region): void {
    const source = this.#seenOf(name, region);
    const target = this.#seenOf(to, region);
    // Where a checksum says that one side is damaged, nobody can know that the other is too, without a checksum.
    // The last look at the source comes after the one that it was chosen by: what began in between nobody can know.
    const isHidden = source.mark !== '' && source.mark === source.markBefore;
    if (source.soundness === 'damaged' || (isHidden && target.soundness !== 'damaged'))
      this.#world.breach(`${name} repairs region ${region} of ${to} with what is damaged itself`);
    if (target.mark === '')
      this.#world.breach(`${name} repairs region ${region} of ${to}, which is not damaged there`);
  }

  #seenOf(host: string, region: Region): Seen {
    return this.#seen.get(`${host} ${region}`) ?? { mark: '', soundness: 'unknown', markBefore: '' };
  }
}

interface Seen {
  readonly mark: string;
  /** At the look before. */
  readonly markBefore: string;
  readonly soundness: Soundness;
}

interface Damage {
  readonly host: string;
  readonly region: Region;
  readonly mark: string;
}
