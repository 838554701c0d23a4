/**
 * Two storage hosts in this process: real volumes, files, metadata, replication links and NBD servers on loopback,
 * and a control store of one record in memory that grants by compare-and-set. No engines.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HostMeta } from '../../daemon/meta/host-meta.ts';
import { NbdServer } from '../../daemon/nbd/server.ts';
import type { View } from '../../daemon/replication/interface.ts';
import { bootClock } from '../../daemon/sys/clock.ts';
import type { Log } from '../../daemon/sys/log.ts';
import type { Proposal, Volume } from '../../daemon/volume/volume.ts';
import { Volumes } from '../../daemon/volume/volumes.ts';
import { dial } from '../../daemon/wire/link.ts';
import { ReplicationServer } from '../../daemon/wire/replication-server.ts';

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
  volume(): Volume;
  data(): Buffer;
  stop(): Promise<void>;
}

export class Pair {
  record: View = { generation: 0, primary: '', inSync: [] };
  readonly sizeBytes: number;
  readonly hosts = new Map<string, TestHost>();
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
      folder: join(folder, 'volumes'),
      host: name,
      incarnation: ++this.#incarnation,
      bootId: 'one boot',
      ...TIMING,
      stateChanged: quiet,
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
    const nbd = new NbdServer({ directory: volumes });
    const nbdSocket = join(folder, 'nbd.sock');
    await nbd.listenUnix(nbdSocket);
    const replication = new ReplicationServer((link, first) => {
      volumes.accept(link, first);
    }, log);
    await replication.listen('127.0.0.1', 0);
    this.#ports.set(name, replication.port);
    const host: TestHost = {
      name,
      volumes,
      nbdSocket,
      volume: () => volumes.require(VOLUME),
      data: () => readFileSync(join(folder, 'volumes', VOLUME, 'data')),
      stop: async () => {
        this.hosts.delete(name);
        this.#ports.delete(name);
        replication.close();
        volumes.closeAll();
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

  async reseed(source: TestHost, target: string): Promise<void> {
    const volume = source.volume();
    const snapshot = volume.file.takeSnapshot('s');
    const changed = snapshot.changedRegions();
    volume.run({ type: 'seed', target, allocated: snapshot.allocated, changed });
    await this.until(() => volume.status.join?.phase === 'SEEDED');
    volume.run({ type: 'connect', target });
    volume.file.dropSnapshot();
    await this.until(() => volume.state === 'SERVING');
    await this.until(() => this.hosts.get(target)?.volume().state === 'SECONDARY');
  }

  promote(name: string): void {
    this.#set({ generation: this.record.generation + 1, primary: name, inSync: [name] });
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
