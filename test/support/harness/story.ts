/**
 * A story: what is done to two replicas (`> ...`), and between, what they then see (`a <`) and do (`a >`). Everything
 * takes the same time in each telling. Control decides nothing by itself here; the story says what it does.
 */
import { REGION_BYTES } from '../../../daemon/replication/units.ts';
import type { SectorRange } from './history.ts';
import { steadyPace } from './pace.ts';
import type { Process } from './process.ts';
import { rot } from './scrub-checks.ts';
import { Trace } from './trace.ts';
import { World } from './world.ts';

const REGIONS = 3;
const MAX_LINES = 1000;
const QUIET_MS = 3000;

/** The story with what happens as it happens now; comments and commands stay where they are. */
export function retell(text: string): string {
  const teller = new Teller();
  const told: string[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('> ')) told.push(line, ...teller.obey(line.slice(2)));
    else if (line.startsWith('#') || line === '') told.push(line);
  }
  return told.join('\n');
}

class Teller {
  readonly #trace = new Trace({ isVerbose: false, maxLines: MAX_LINES });
  readonly world = new World({
    hosts: ['a', 'b'],
    sizeBytes: REGIONS * REGION_BYTES,
    pace: steadyPace,
    trace: this.#trace,
    clockRateOf: () => 1,
  });
  readonly #commands: Readonly<Record<string, (...words: string[]) => void>> = {
    'one-copy': () => this.#untilOneCopy(),
    'two-copies': () => this.#untilTwoCopies(),
    run: (ms) => this.world.run(Number(ms)),
    write: (range = '', ...rest) => {
      this.world.write(this.#server(rest), rangeOf(range), { fua: rest.includes('fua') }, () => undefined);
    },
    trim: (range = '', ...rest) => {
      const options = { fua: rest.includes('fua'), mayTrim: true };
      this.world.zero(this.#server(rest), rangeOf(range), options, () => undefined);
    },
    read: (range = '', ...rest) => {
      this.world.read(this.#server(rest), rangeOf(range), () => undefined);
    },
    flush: (...rest) => {
      this.world.flush(this.#server(rest), () => undefined);
    },
    cut: () => this.world.network.cutAll(),
    block: (from = '', to = '') => this.world.network.block(from, to),
    unblock: () => this.world.network.unblockAll(),
    kill: (host = '') => this.world.crash(host),
    start: (host = '') => this.world.start(host),
    hang: (host = '', ms = '') =>
      (this.#host(host).diskHangsUntilMs = this.world.scheduler.nowMs + Number(ms)),
    unhang: (host = '') => (this.#host(host).diskHangsUntilMs = 0),
    seal: (host = '') => this.#host(host).disk.seal(),
    rot: (host = '', sector = '') => rot(this.#host(host), Number(sector)),
    scrub: (host = '') => this.#process(host).deliver({ type: 'scrub', anew: false }),
    'lose-control': (host = '', way = '') => this.#control(host, way, false),
    'find-control': (host = '') => this.#control(host, '', true),
    promote: (host = '') => this.world.control.failOver(host, 'the story says so'),
    seed: (from = '', to = '') => this.world.control.reseed(from, to),
    'step-down': (host = '') => this.#process(host).deliver({ type: 'step-down' }),
    'serve-on': (host = '') => this.world.control.serveOn(host),
  };

  obey(line: string): string[] {
    const [word = '', ...rest] = line.split(' ');
    const command = this.#commands[word];
    if (command === undefined) throw new Error(`not a command of a story: ${line}`);
    this.#trace.lines = [];
    command(...rest);
    return this.#trace.lines;
  }

  #untilOneCopy(): void {
    this.world.run(QUIET_MS, () => this.world.process('a')?.state === 'SOLO');
    this.world.control.decides = false;
    this.#trace.lines = [];
  }

  #untilTwoCopies(): void {
    this.world.run(QUIET_MS, () => this.world.checks.equality.whyNotRedundant() === '');
    this.world.control.decides = false;
    // The next heartbeat of the link, so that the lease is that of every story.
    this.world.run(100);
    this.#trace.lines = [];
  }

  #server(words: readonly string[]): Process {
    return this.#process(words.includes('b') ? 'b' : 'a');
  }

  #process(name: string): Process {
    const process = this.world.process(name);
    if (process === undefined) throw new Error(`${name} is dead`);
    return process;
  }

  #host(name: string) {
    const host = this.world.hosts.get(name);
    if (host === undefined) throw new Error(`there is no host ${name}`);
    return host;
  }

  #control(name: string, way: string, isThere: boolean): void {
    const host = this.#host(name);
    if (way !== 'answers') host.reachesControl = isThere;
    host.controlReachesIt = isThere;
  }
}

/** `128+2`: two sectors from sector 128, the first of region 1. */
function rangeOf(text: string): SectorRange {
  const [first, count] = text.split('+').map(Number);
  return { first: first ?? 0, count: count ?? 1 };
}
