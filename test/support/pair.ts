/**
 * Two storage hosts in this process: real volumes, files, metadata, replication links and NBD servers on loopback,
 * and a control store of one record in memory that grants by compare-and-set. No engines.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HostMeta } from '../../daemon/meta/host-meta.ts';
import type { BlockRequest, BlockResult } from '../../daemon/nbd/block.ts';
import { NbdServer } from '../../daemon/nbd/server.ts';
import type { View } from '../../daemon/replication/interface.ts';
import type { SpaceLimits } from '../../daemon/store/space.ts';
import type { Store } from '../../daemon/store/store.ts';
import { bootClock } from '../../daemon/sys/clock.ts';
import type { Log } from '../../daemon/sys/log.ts';
import type { Proposal, Volume } from '../../daemon/volume/volume.ts';
import { Volumes } from '../../daemon/volume/volumes.ts';
import { dial } from '../../daemon/wire/link.ts';
import { ReplicationServer } from '../../daemon/wire/replication-server.ts';
import { NO_LIMITS } from './open-volumes.ts';

export const VOLUME = 'v';
const TIMING = { leaseMs: 400, heartbeatMs: 50, silenceMs: 300, stallMs: 1000 };

const quiet = (): void => undefined;
const log: Log =
  process.env['VERBOSE'] === undefined
    ? { debug: quiet, info: quiet, warn: quiet, error: quiet }
    : { debug: console.error, info: console.error, warn: console.error, error: console.error };

export interface TestHost {
  readonly name: string;
  readonly volumes: Volumes;
  readonly nbdSocket: string;
  /** Where the files of its layers are. */
  readonly layersFolder: string;
  volume(): Volume;
  /** All of its volume; of a host that was stopped, as it was then. */
  data(): Buffer;
  /** It keeps what it held before a copy. */
  hasFallback(): boolean;
  submit(request: BlockRequest): Promise<BlockResult>;
  stop(): Promise<void>;
}

export const write = (offset: number, data: Buffer): BlockRequest => ({
  kind: 'write',
  offset,
  data,
  fua: false,
});
export const read = (offset: number, length: number): BlockRequest => ({ kind: 'read', offset, length });

/** What these say in place of a store, which does the rest. */
export function layered(store: Store, overrides: Partial<Store>): Store {
  return new Proxy(store, {
    get: (target, key) => {
      const value: unknown = Reflect.get(key in overrides ? overrides : target, key);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
    set: (target, key, value) => Reflect.set(target, key, value),
  });
}

export class Pair {
  record: View = { generation: 0, primary: '', inSync: [] };
  readonly sizeBytes: number;
  readonly hosts = new Map<string, TestHost>();
  /** Put over the disk of a host when it starts. */
  readonly layers = new Map<string, (store: Store) => Store>();
  /** Of the disk of a host when it starts. */
  readonly space = new Map<string, SpaceLimits>();
  /** Control answers nobody. */
  controlIsDown = false;
  readonly #folder = mkdtempSync(join(tmpdir(), 'lockstep-pair-'));
  readonly #ports = new Map<string, number>();
  #incarnation = 0;

  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes;
  }

  async start(name: string): Promise<TestHost> {
    const folder = join(this.#folder, name);
    const meta = await HostMeta.open(join(folder, 'meta'));
    const volumes = new Volumes({
      stateDir: folder,
      host: name,
      incarnation: ++this.#incarnation,
      bootId: 'one boot',
      ...TIMING,
      stateChanged: quiet,
      answersUntil: quiet,
      space: this.space.get(name) ?? NO_LIMITS,
      layer: (_volume, store) => this.layers.get(name)?.(store) ?? store,
      world: {
        clock: bootClock,
        log,
        meta,
        dial: (peer) => {
          const port = this.#ports.get(peer);
          if (port === undefined) return Promise.reject(new Error(`${peer} is not up`));
          return dial({ host: '127.0.0.1', port, localAddress: '127.0.0.1' }, TIMING.silenceMs);
        },
        propose: (proposal) => this.#decide(name, proposal),
        fatal: (why) => {
          throw new Error(why);
        },
      },
    });
    await volumes.openAll();
    const nbd = new NbdServer({ exports: volumes.exports });
    const nbdSocket = join(folder, 'nbd.sock');
    await nbd.listenUnix(nbdSocket);
    const replication = new ReplicationServer((link, first) => {
      volumes.accept(link, first);
    }, log);
    await replication.listen('127.0.0.1', 0);
    this.#ports.set(name, replication.port);
    const whole = { offset: 0, length: this.sizeBytes };
    let left: Buffer | undefined;
    const host: TestHost = {
      name,
      volumes,
      nbdSocket,
      layersFolder: join(folder, 'layers'),
      volume: () => volumes.require(VOLUME),
      data: () => left ?? volumes.require(VOLUME).file.read(whole),
      hasFallback: () => existsSync(join(folder, 'volumes', VOLUME, 'fallback')),
      submit: (request) =>
        new Promise((resolve) => {
          volumes.require(VOLUME).submit(request, resolve);
        }),
      stop: async () => {
        this.hosts.delete(name);
        this.#ports.delete(name);
        replication.close();
        left = volumes.get(VOLUME)?.file.read(whole);
        await volumes.closeAll();
        await nbd.close();
        await meta.close();
      },
    };
    this.hosts.set(name, host);
    return host;
  }

  /** Primary `a`, secondary `b`, in sync. */
  async inSync(): Promise<{ a: TestHost; b: TestHost }> {
    const [a, b] = [await this.start('a'), await this.start('b')];
    await a.volumes.create(VOLUME, this.sizeBytes);
    this.#set({ generation: 1, primary: 'a', inSync: ['a'] });
    await this.until(() => a.volume().state === 'SOLO');
    await b.volumes.create(VOLUME, this.sizeBytes);
    await this.reseed(a, 'b');
    return { a, b };
  }

  /** Until the target is in sync; rejects when the copy breaks off. */
  async reseed(source: TestHost, target: string): Promise<void> {
    const volume = source.volume();
    const reached = (condition: () => boolean) => (): boolean => {
      const isStopped = this.hosts.get(source.name) !== source;
      if (isStopped || volume.status.join?.phase === 'FAILED')
        throw new Error(`the copy broke off: ${volume.status.join?.error ?? ''}`);
      return condition();
    };
    volume.run({ type: 'seed', target, snapshot: 's' });
    await this.until(reached(() => volume.status.join?.phase === 'SEEDED'));
    volume.run({ type: 'connect', target });
    await volume.dropSeed();
    await this.until(reached(() => volume.state === 'SERVING'));
    await this.until(() => this.hosts.get(target)?.volume().state === 'SECONDARY');
  }

  promote(name: string): void {
    this.#set({ generation: this.record.generation + 1, primary: name, inSync: [name] });
  }

  /** A person chooses the copy of this host. */
  force(name: string): void {
    const view = { generation: this.record.generation + 1, primary: name, inSync: [name] };
    this.record = view;
    this.hosts.get(name)?.volumes.force(VOLUME, view);
  }

  async until(condition: () => boolean, limitMs = 5000): Promise<void> {
    const endMs = performance.now() + limitMs;
    while (!condition()) {
      if (performance.now() > endMs) throw new Error(`not within ${String(limitMs)} ms: ${this.describe()}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  describe(): string {
    return [...this.hosts.values()]
      .map(({ name, volumes }) => `${name}: ${JSON.stringify(volumes.get(VOLUME)?.status)}`)
      .join('\n');
  }

  async stop(): Promise<void> {
    for (const host of [...this.hosts.values()]) await host.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #set(view: View): void {
    this.record = view;
    for (const { volumes } of this.hosts.values()) volumes.tell(VOLUME, view, { explicit: true });
  }

  #decide(host: string, { fromGeneration, inSync }: Proposal): Promise<{ view: View; reason: string }> {
    if (this.controlIsDown) return Promise.reject(new Error('control is down'));
    const granted = fromGeneration === this.record.generation && host === this.record.primary;
    if (granted) this.#set({ generation: fromGeneration + 1, primary: host, inSync });
    return Promise.resolve({ view: this.record, reason: granted ? '' : 'another generation' });
  }
}
