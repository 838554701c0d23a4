/**
 * A network for the hosts of an installation on this machine: each has a network namespace, and all a bridge, at which
 * whoever measures stands too. What one host sends to another can be cut, and what comes back left alone, as a router
 * that lost a route does; nothing is refused, packets are just gone. Needs root.
 */
import { execFileSync } from 'node:child_process';

/** Last numbers of the addresses; `client` is whoever measures. */
const LAST = { client: 1, control: 10, 'host-a': 11, 'host-b': 12, 'host-c': 13 } as const;

export type NetworkHost = Exclude<keyof typeof LAST, 'client'>;

const HOSTS = ['control', 'host-a', 'host-b', 'host-c'] as const satisfies readonly NetworkHost[];

export class HostNetwork {
  readonly #number: number;

  /** `number` is the third of the addresses; two networks at a time take two. */
  constructor(number: number) {
    this.#number = number;
  }

  /** What an earlier life left goes first. */
  create(): void {
    this.destroy();
    const bridge = this.#bridge;
    ip('link', 'add', bridge, 'type', 'bridge');
    ip('addr', 'add', `${this.address('client')}/24`, 'dev', bridge);
    ip('link', 'set', bridge, 'up');
    for (const host of HOSTS) this.#addHost(host);
  }

  destroy(): void {
    for (const host of HOSTS) {
      // By itself it goes with its namespace, and only some time after that.
      tryIp('link', 'del', this.#wire(host));
      tryIp('netns', 'del', this.#namespace(host));
    }
    tryIp('link', 'del', this.#bridge);
  }

  get prefix(): string {
    return `10.77.${String(this.#number)}`;
  }

  address(host: keyof typeof LAST): string {
    return `${this.prefix}.${String(LAST[host])}`;
  }

  /** What a program is started with to live on that host. */
  launcher(host: NetworkHost): readonly string[] {
    return ['nsenter', `--net=/run/netns/${this.#namespace(host)}`];
  }

  /** Nothing that `from` sends reaches `to` any more; the other way is left alone. */
  cut(from: NetworkHost, to: NetworkHost): void {
    ip('-n', this.#namespace(from), 'route', 'replace', 'blackhole', `${this.address(to)}/32`);
  }

  heal(from: NetworkHost, to: NetworkHost): void {
    tryIp('-n', this.#namespace(from), 'route', 'del', 'blackhole', `${this.address(to)}/32`);
  }

  /** Both ways. */
  part(one: NetworkHost, other: NetworkHost): void {
    this.cut(one, other);
    this.cut(other, one);
  }

  healAll(): void {
    for (const from of HOSTS) for (const to of HOSTS) if (from !== to) this.heal(from, to);
  }

  #addHost(host: NetworkHost): void {
    const namespace = this.#namespace(host);
    const outer = this.#wire(host);
    const within = (...args: readonly string[]) => ip('-n', namespace, ...args);
    ip('netns', 'add', namespace);
    ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
    ip('link', 'set', outer, 'master', this.#bridge, 'up');
    within('link', 'set', 'lo', 'up');
    within('addr', 'add', `${this.address(host)}/24`, 'dev', 'eth0');
    within('link', 'set', 'eth0', 'up');
    // A way that is cut must not make the host drop what comes from there.
    for (const name of ['all', 'default', 'eth0'])
      execFileSync('ip', ['netns', 'exec', namespace, 'sysctl', '-qw', `net.ipv4.conf.${name}.rp_filter=0`]);
  }

  /** Its end at the bridge. */
  #wire(host: NetworkHost): string {
    return `ls${String(this.#number)}v${String(LAST[host])}`;
  }

  #namespace(host: NetworkHost): string {
    return `ls${String(this.#number)}-${host}`;
  }

  get #bridge(): string {
    return `ls${String(this.#number)}br`;
  }
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

function tryIp(...args: readonly string[]): void {
  try {
    ip(...args);
  } catch {
    // There is none.
  }
}
