/** Clients that read and write whoever serves, give up now and then, and go on elsewhere. */
import type { ClientRequest } from '../../../daemon/replication/interface.ts';
import { REGION_BYTES } from '../../../daemon/replication/units.ts';
import { SECTORS_PER_REGION } from './disk.ts';
import { SECTOR_BYTES, stamped } from './payload.ts';
import type { SectorRange } from './history.ts';
import type { Random } from './random.ts';
import type { Process } from './process.ts';
import type { Scheduler } from './scheduler.ts';
import type { World } from './world.ts';

/** What most requests hit, so that they meet each other: the first sectors of each region, and its last ones. */
const HOT_SECTORS = 6;
const MAX_SECTORS = 5;

export interface Mix {
  readonly thinkMs: number;
  readonly readShare: number;
  readonly flushShare: number;
  readonly zeroShare: number;
  readonly fuaShare: number;
  /** Of the regions; few make the requests overlap. */
  readonly regions: number;
}

export function randomMix(random: Random, regions: number): Mix {
  return {
    thinkMs: random.pick([2, 10, 40]) ?? 10,
    readShare: random.between(0.2, 0.6),
    flushShare: random.between(0.02, 0.2),
    zeroShare: random.pick([0, 0.05, 0.2]) ?? 0,
    fuaShare: random.pick([0, 0.2]) ?? 0,
    regions: random.pick([1, 2, regions]) ?? regions,
  };
}

export function startClient(world: World, random: Random, mix: Mix): void {
  const { scheduler } = world;
  let isWaiting = 0;
  const patience = new Patience(scheduler, () => next());
  const next = (): void => {
    if (!world.clientsRun) return;
    const process = random.pick(world.serving());
    if (process === undefined) {
      scheduler.after(20, next);
      return;
    }
    const turn = ++isWaiting;
    patience.begins(random.between(300, 2000));
    request(world, random, mix, process, () => {
      if (turn !== isWaiting) return;
      isWaiting++;
      patience.endsMs = Infinity;
      scheduler.after(random.between(0, mix.thinkMs), next);
    });
  };
  scheduler.after(random.between(0, 50), next);
}

/**
 * How long a client waits for an answer, which may still come when nobody waits for it. Most come soon: the scheduler
 * is asked for the next time at which the patience may end, and not for one each time.
 */
class Patience {
  readonly #scheduler: Scheduler;
  readonly #ended: () => void;
  endsMs = Infinity;
  #looksAtMs = Infinity;

  constructor(scheduler: Scheduler, ended: () => void) {
    this.#scheduler = scheduler;
    this.#ended = ended;
  }

  begins(ms: number): void {
    this.endsMs = this.#scheduler.nowMs + ms;
    this.#look();
  }

  /** When it ends, or before. */
  #look(): void {
    if (this.endsMs >= this.#looksAtMs) return;
    const atMs = this.endsMs;
    this.#looksAtMs = atMs;
    this.#scheduler.at(atMs, () => {
      if (atMs !== this.#looksAtMs) return;
      this.#looksAtMs = Infinity;
      if (atMs !== this.endsMs) {
        this.#look();
        return;
      }
      this.endsMs = Infinity;
      this.#ended();
    });
  }
}

function request(world: World, random: Random, mix: Mix, process: Process, done: () => void): void {
  const kind = random.next();
  if (kind < mix.flushShare) world.flush(process, done);
  else {
    const range = randomRange(random, Math.min(mix.regions, process.host.sizeBytes / REGION_BYTES));
    const fua = random.happens(mix.fuaShare);
    if (kind < mix.flushShare + mix.readShare) world.read(process, range, done, { mayBeAtOnce: true });
    else if (random.happens(mix.zeroShare))
      world.zero(process, range, { fua, mayTrim: random.happens(0.5) }, done);
    else world.write(process, range, { fua }, done);
  }
}

function randomRange(random: Random, regions: number): SectorRange {
  const region = random.below(regions);
  const start = region * SECTORS_PER_REGION;
  if (random.happens(0.03)) return { first: start, count: SECTORS_PER_REGION };
  const count = 1 + random.below(MAX_SECTORS);
  if (region > 0 && random.happens(0.1)) return { first: start - 1 - random.below(count), count };
  return { first: start + random.below(HOT_SECTORS), count };
}

export function readRequest({ first, count }: SectorRange): Extract<ClientRequest, { kind: 'read' }> {
  return { kind: 'read', offset: first * SECTOR_BYTES, length: count * SECTOR_BYTES };
}

export function writeRequest(range: SectorRange, stamp: number, fua: boolean): ClientRequest {
  const data = stamped(stamp, range.count * SECTOR_BYTES);
  return { kind: 'write', offset: range.first * SECTOR_BYTES, data, fua };
}

export function zeroRequest(
  { first, count }: SectorRange,
  { fua, mayTrim }: { readonly fua: boolean; readonly mayTrim: boolean },
): ClientRequest {
  const range = { offset: first * SECTOR_BYTES, length: count * SECTOR_BYTES, fua };
  return mayTrim ? { kind: 'trim', ...range } : { kind: 'zero', ...range, mayTrim };
}
