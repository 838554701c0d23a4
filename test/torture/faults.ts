/** Does the faults to the processes and the links, several at a time, and takes all of them back. */
import { type Cluster, type HostName, HOSTS, type LinkName, type ProcessName } from './cluster.ts';
import type { Random } from '../support/harness/random.ts';
import { FAIR, type Weather } from './proxy.ts';
import { describeFault, type Fault, needsOther } from './schedule.ts';

const MAX_POWER_SEED = 2 ** 31;

export interface DoneFault {
  readonly atMs: number;
  readonly fault: Fault;
  readonly text: string;
}

export class Faults {
  readonly #cluster: Cluster;
  readonly #random: Random;
  readonly #nowMs: () => number;
  readonly #onPowerLost: () => void;
  readonly #timers = new Set<NodeJS.Timeout>();
  /** What each link suffers now, by fault. */
  readonly #weather = new Map<LinkName, Map<Fault, Weather>>();
  readonly #stopped = new Map<ProcessName, number>();
  readonly #dead = new Set<ProcessName>();
  /** Their disks failed something: what gave up for that comes back with a new process, as with a new disk. */
  readonly #failedDisks = new Set<HostName>();
  readonly done: DoneFault[] = [];

  /** `onPowerLost`: both hosts lost what they had not flushed, and none of them runs. */
  constructor(
    cluster: Cluster,
    options: {
      readonly random: Random;
      readonly nowMs: () => number;
      readonly onPowerLost: () => void;
    },
  ) {
    this.#cluster = cluster;
    this.#random = options.random;
    this.#nowMs = options.nowMs;
    this.#onPowerLost = options.onPowerLost;
  }

  get diskFailed(): boolean {
    return this.#failedDisks.size > 0;
  }

  async begin(fault: Fault): Promise<void> {
    // Nothing else is under way, and both hosts say that they are in sync.
    if (needsOther(fault) && (this.#timers.size > 0 || !(await this.#isRedundant()))) return;
    this.done.push({ atMs: this.#nowMs(), fault, text: describeFault(fault) });
    switch (fault.act) {
      case 'kill':
        for (const who of fault.who) this.#kill(who, fault.forMs);
        return;
      case 'power':
        await this.#losePower(fault.who, fault.forMs);
        return;
      case 'stop':
        this.#stop(fault.who, fault.forMs);
        return;
      case 'cut':
        for (const link of fault.links) this.#cluster.link(link).cut(this.#random);
        if (fault.refuses) this.#suffer(fault, fault.links, { ...FAIR, refuses: true });
        return;
      case 'block':
        this.#suffer(fault, fault.links, { ...FAIR, blocked: fault.directions });
        return;
      case 'delay':
        this.#suffer(fault, fault.links, { ...FAIR, delayMs: fault.delayMs });
        return;
      case 'disk':
        this.#failedDisks.add(fault.who);
        this.#setDisk(fault.who, fault.faults);
        this.#later(fault.forMs, () => this.#setDisk(fault.who, []));
        return;
      case 'handover':
        // That it is refused is no wonder.
        this.#cluster.failOver().catch(() => undefined);
        return;
    }
  }

  /** Everything works again: processes run, links are open, disks do what they are told. */
  async heal(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#weather.clear();
    for (const link of this.#cluster.links.values()) link.weather = FAIR;
    for (const daemon of this.#cluster.daemons.values()) daemon.signal('SIGCONT');
    this.#stopped.clear();
    for (const host of HOSTS) this.#setDisk(host, []);
    for (const host of this.#failedDisks) await this.#cluster.daemon(host).kill();
    for (const daemon of this.#cluster.daemons.values()) daemon.start();
    this.#failedDisks.clear();
    this.#dead.clear();
  }

  #kill(who: ProcessName, forMs: number): void {
    if (this.#dead.has(who)) return;
    this.#dead.add(who);
    this.#stopped.delete(who);
    const daemon = this.#cluster.daemon(who);
    void daemon.kill();
    this.#later(forMs, () => {
      this.#dead.delete(who);
      daemon.start();
    });
  }

  async #losePower(hosts: readonly HostName[], forMs: number): Promise<void> {
    for (const host of hosts) {
      this.#dead.add(host);
      this.#stopped.delete(host);
    }
    await Promise.all(hosts.map((host) => this.#cluster.losePower(host, this.#random.below(MAX_POWER_SEED))));
    // One that had been killed before may be about to start.
    if (hosts.length === HOSTS.length) {
      await Promise.all(hosts.map((host) => this.#cluster.daemon(host).kill()));
      this.#onPowerLost();
    }
    for (const host of hosts)
      this.#later(this.#random.between(0, forMs), () => {
        this.#dead.delete(host);
        this.#cluster.daemon(host).start();
      });
  }

  async #isRedundant(): Promise<boolean> {
    return (await this.#cluster.whyNotRedundant()) === undefined;
  }

  #stop(who: ProcessName, forMs: number): void {
    if (this.#dead.has(who)) return;
    const daemon = this.#cluster.daemon(who);
    const { life } = daemon;
    this.#stopped.set(who, (this.#stopped.get(who) ?? 0) + 1);
    daemon.signal('SIGSTOP');
    this.#later(forMs, () => {
      // Another process by now was never stopped.
      if (daemon.life !== life) return;
      const left = (this.#stopped.get(who) ?? 1) - 1;
      this.#stopped.set(who, left);
      if (left <= 0) daemon.signal('SIGCONT');
    });
  }

  #suffer(fault: Fault, links: readonly LinkName[], weather: Weather): void {
    for (const link of links) {
      const all = this.#weather.get(link) ?? new Map<Fault, Weather>();
      this.#weather.set(link, all.set(fault, weather));
      this.#cluster.link(link).weather = sum([...all.values()]);
    }
    this.#later(fault.forMs, () => {
      for (const link of links) {
        const all = this.#weather.get(link);
        all?.delete(fault);
        this.#cluster.link(link).weather = sum([...(all?.values() ?? [])]);
      }
    });
  }

  #setDisk(host: HostName, faults: Parameters<Cluster['setFaults']>[1]): void {
    // One that is dead has no faults, and one that is stopped is told when it goes on.
    this.#cluster.setFaults(host, faults).catch(() => undefined);
  }

  #later(ms: number, then: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      then();
    }, ms);
    this.#timers.add(timer);
  }
}

function sum(weathers: readonly Weather[]): Weather {
  return {
    refuses: weathers.some((weather) => weather.refuses),
    blocked: [...new Set(weathers.flatMap((weather) => weather.blocked))],
    delayMs: weathers.reduce((total, weather) => total + weather.delayMs, 0),
  };
}
