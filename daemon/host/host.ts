/**
 * Everything this host does for a volume, one operation at a time for each. The agent service is a thin layer on it.
 *
 * A forced release does not wait its turn to kill: what holds the turn may itself be waiting for I/O that will never
 * be answered. It kills first, by which whoever is at work fails, and then takes its turn to clear up.
 */
import { chmod, mkdir, stat } from 'node:fs/promises';
import { isIPv4 } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '../engines/engine.ts';
import { invalidField, LockstepError, messageOf } from '../sys/errors.ts';
import { chooseAttachDriver } from './detect.ts';
import type { AttachDriver, EngineDriver, EngineReport, EngineSpec, FileSystemDriver } from './drivers.ts';
import { engineNamed, engineRegistry, type EngineRegistry } from './engines.ts';
import { ext4 } from './ext4.ts';
import { fileSystemTypeOn, unmount } from './file-system.ts';
import { thaw, whileFrozen } from './freeze.ts';
import { type HostInventory, takeInventory } from './inventory.ts';
import { ENGINE_KILL_HEADSTART_MS } from './limits.ts';
import { listMounts, mountAt } from './mounts.ts';
import { ensurePackages } from './packages.ts';
import { KeyedMutex } from '../sys/keyed-mutex.ts';
import { ProcessSupervisor } from './processes.ts';
import type { EngineGuard } from './engine-guard.ts';
import { isFrozen, type ProcessIdentity } from './process-tree.ts';
import { xfs } from './xfs.ts';
import { type HostEngine, HostRecords } from './records.ts';

export interface HostLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}

export interface EngineOffer {
  readonly engine: string;
  /** Major. */
  readonly version: string;
  /** Else it is in the package sources. */
  readonly installed: boolean;
}

export interface HostOptions {
  readonly stateDir: string;
  /** This host's name: every child carries it as LOCKSTEP_HOST. */
  readonly host: string;
  /** What engines listen on. */
  readonly address: string;
  readonly nbdSocket: string;
  readonly log: HostLog;
  /** Absent: the driver that detect.ts finds best. */
  readonly attach?: AttachDriver['name'];
  /** Absent: engines speak whatever becomes of their volume's lease. For tests of this folder. */
  readonly guard?: EngineGuard;
  /** Of new volumes; absent: ext4. */
  readonly fileSystem?: FileSystemDriver['type'];
  /** Absent: all of the product's. */
  readonly engines?: readonly Engine[];
}

const VOLUME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;
const DATABASE = /^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/;
const USER = /^[a-z_][a-z0-9_]{0,62}$/;
const HIGHEST_PORT = 65_535;
const FILE_SYSTEMS = [ext4, xfs];
/** The engine's user passes through the folders above its data and its socket, and lists none. */
const PASS_THROUGH = 0o111;
const OTHERS_PASS = 0o001;

export class HostDrivers {
  private readonly options: HostOptions;
  private readonly records: HostRecords;
  private readonly engines: EngineRegistry;
  private readonly processes: ProcessSupervisor;
  private readonly mutex = new KeyedMutex();
  /** Volume → the process that its engine descends from. */
  private readonly roots = new Map<string, ProcessIdentity>();
  private attachDriver: Promise<AttachDriver> | undefined;
  private toolsPresent: Promise<unknown> | undefined;

  constructor(options: HostOptions) {
    const { stateDir, host, engines } = options;
    this.options = options;
    this.records = new HostRecords(stateDir);
    this.processes = new ProcessSupervisor({
      runDir: join(stateDir, 'run'),
      host,
      engineStarted: (volume, root) => {
        this.roots.set(volume, root);
        options.guard?.engine(volume, root);
      },
    });
    this.engines = engineRegistry({
      stateDir,
      processes: this.processes,
      ...(engines === undefined ? {} : { engines }),
    });
  }

  /**
   * At the daemon's start, before anything else: what a crash left dead is cleared, what is alive is left alone, since
   * under a living engine the restart of the daemon is only a pause. What cannot be cleared now is cleared by the next
   * attach or release, and keeps no other volume of this host from being served.
   */
  async recover(): Promise<void> {
    await this.prepareFolders();
    for (const [volume, root] of await this.processes.engines()) {
      this.roots.set(volume, root);
      this.options.guard?.engine(volume, root);
    }
    const driver = await this.driver();
    const volumes = await this.volumesHere();
    await Promise.all(
      volumes.map(async (volume) => {
        if ((await driver.deviceOf(volume)) !== undefined && (await this.records.get(volume)) !== undefined) {
          await thaw(this.mountPoint(volume));
          return;
        }
        this.options.log.info({ volume }, 'clearing what a crash left of a volume');
        await this.release(volume, { force: true }).catch((error: unknown) => {
          this.options.log.warn({ volume, error: messageOf(error) }, 'cannot clear it yet');
        });
      }),
    );
  }

  async attach(volume: string, sizeBytes: number): Promise<string> {
    checkVolume(volume);
    return this.mutex.run(volume, async () => {
      await this.prepareFolders();
      const driver = await this.driver();
      await this.ensureTools(driver);
      // Before the attach: without its record a volume could not be found again by a daemon that was killed here.
      await this.records.put({ ...(await this.records.get(volume)), volume, sizeBytes });
      return driver.attach({ volume, sizeBytes, nbdSocket: this.options.nbdSocket });
    });
  }

  async detach(volume: string, options: { readonly force: boolean }): Promise<void> {
    checkVolume(volume);
    await this.mutex.run(volume, async () => {
      await (await this.driver()).detach(volume, options);
      await this.records.remove(volume);
    });
  }

  async makeFileSystem(volume: string): Promise<void> {
    checkVolume(volume);
    await this.mutex.run(volume, async () => {
      const device = await this.deviceOf(volume);
      const there = await fileSystemTypeOn(device);
      await (FILE_SYSTEMS.find(({ type }) => type === there) ?? this.fileSystem).make(device);
    });
  }

  /** Answers the mount point. */
  async mount(volume: string): Promise<string> {
    checkVolume(volume);
    return this.mutex.run(volume, async () => {
      const mountPoint = this.mountPoint(volume);
      await this.mountAny(await this.deviceOf(volume), mountPoint);
      return mountPoint;
    });
  }

  /** Before anything else of the volume grows: afterwards it would stay larger than its file system. */
  async checkFileSystemGrowth(volume: string): Promise<void> {
    checkVolume(volume);
    const mounted = await mountAt(this.mountPoint(volume));
    const fileSystem = FILE_SYSTEMS.find(({ type }) => type === mounted?.type);
    if (fileSystem === undefined || mounted === undefined) throw notMounted(volume);
    await fileSystem.checkGrowth(mounted.source);
  }

  /** Device and file system, while they are used. Answers when the engine can write up to the new end. */
  async growFileSystem(volume: string, sizeBytes: number): Promise<void> {
    checkVolume(volume);
    await this.mutex.run(volume, async () => {
      const mountPoint = this.mountPoint(volume);
      const mounted = await mountAt(mountPoint);
      const fileSystem = FILE_SYSTEMS.find(({ type }) => type === mounted?.type);
      if (fileSystem === undefined) throw notMounted(volume);
      const target = { volume, sizeBytes, nbdSocket: this.options.nbdSocket };
      const device = await (await this.driver()).grow(target);
      await this.records.put({ ...(await this.records.get(volume)), volume, sizeBytes });
      await fileSystem.grow(device, mountPoint);
    });
  }

  /** What another host has made may be of another kind than this one makes; asking first would cost each failover. */
  private async mountAny(device: string, mountPoint: string): Promise<void> {
    const usual = this.fileSystem;
    try {
      await usual.mount(device, mountPoint);
    } catch (error) {
      const there = await fileSystemTypeOn(device);
      const other = FILE_SYSTEMS.find(({ type }) => type === there);
      if (other === undefined || other === usual) throw error;
      await other.mount(device, mountPoint);
    }
  }

  async unmount(volume: string, options: { readonly force: boolean }): Promise<void> {
    checkVolume(volume);
    await this.mutex.run(volume, () => unmount(this.mountPoint(volume), options));
  }

  /** Does the work while the file system is frozen; `isQuiet` is false where there is none that could be. */
  async whileQuiet<Value>(volume: string, work: (isQuiet: boolean) => Promise<Value>): Promise<Value> {
    checkVolume(volume);
    return this.mutex.run(volume, () => whileFrozen(this.mountPoint(volume), work));
  }

  /** The device of a volume that is attached and alive. */
  async deviceOf(volume: string): Promise<string> {
    const device = await (await this.driver()).deviceOf(volume);
    if (device !== undefined) return device;
    throw new LockstepError(
      'FAILED_PRECONDITION',
      `volume ${volume} is not attached to ${this.options.host}`,
      {
        reason: 'NOT_ATTACHED',
        metadata: { volume },
      },
    );
  }

  /** Of that major version, or the newest for "". */
  async installEngine(engine: string, version: string): ReturnType<EngineDriver['install']> {
    return engineNamed(this.engines, engine).install(version);
  }

  async engineOffers(): Promise<readonly EngineOffer[]> {
    const all = [...this.engines].map(async ([engine, driver]) =>
      (await driver.offers()).map((offer) => ({ engine, ...offer })),
    );
    return (await Promise.all(all)).flat();
  }

  async configureEngine(engine: HostEngine): ReturnType<EngineDriver['configure']> {
    const spec = this.specOf(engine);
    const driver = engineNamed(this.engines, spec.engine);
    return this.mutex.run(spec.volume, async () => {
      await this.remember(engine);
      return driver.configure(spec);
    });
  }

  async setEnginePassword(engine: HostEngine, password: string): Promise<void> {
    const spec = this.specOf(engine);
    const driver = engineNamed(this.engines, spec.engine);
    await this.mutex.run(spec.volume, () => driver.setPassword(spec, password));
  }

  async initializeEngine(engine: HostEngine, password: string): Promise<void> {
    const spec = this.specOf(engine);
    const driver = engineNamed(this.engines, spec.engine);
    await this.mutex.run(spec.volume, async () => {
      await this.remember(engine);
      await driver.initialize(spec, password);
    });
  }

  async startEngine(engine: HostEngine): ReturnType<EngineDriver['start']> {
    const spec = this.specOf(engine);
    const driver = engineNamed(this.engines, spec.engine);
    return this.mutex.run(spec.volume, async () => {
      await this.remember(engine);
      await this.options.guard?.ready();
      return driver.start(spec);
    });
  }

  /** A kill does not wait for a start that is under way: it ends it. */
  async stopEngine(engine: HostEngine, options: { readonly kill: boolean }): Promise<void> {
    const spec = this.specOf(engine);
    const driver = engineNamed(this.engines, spec.engine);
    const early = options.kill ? driver.stop(spec, options).catch(() => undefined) : Promise.resolve();
    await this.mutex.run(spec.volume, async () => {
      await early;
      await driver.stop(spec, options);
    });
  }

  async reportEngine(engine: HostEngine): Promise<EngineReport> {
    const { volume, database } = engine;
    const root = this.roots.get(volume);
    // Not asked anything: it could not answer.
    if (root !== undefined && isFrozen(root))
      return { database, volume, state: 'FROZEN', version: '', logTail: [] };
    return engineNamed(this.engines, engine.engine).report(this.specOf(engine));
  }

  /** Of every volume here that has an engine. Cheap enough for each heartbeat. */
  async reportEngines(): Promise<readonly EngineReport[]> {
    const engines = (await this.records.list()).flatMap(({ engine }) =>
      engine === undefined ? [] : [engine],
    );
    return Promise.all(engines.map((engine) => this.reportEngine(engine)));
  }

  /**
   * Engine, file system, device, in this order; afterwards nothing on this host uses the volume. With `force` nothing
   * is written back: for a primary that was fenced, or whose volume does not answer.
   */
  async release(volume: string, { force }: { readonly force: boolean }): Promise<void> {
    checkVolume(volume);
    const cut = force ? this.cutOff(volume) : Promise.resolve();
    await this.mutex.run(volume, async () => {
      await cut;
      const engine = (await this.records.get(volume))?.engine;
      if (engine !== undefined)
        await engineNamed(this.engines, engine.engine).stop(this.specOf(engine), { kill: force });
      await unmount(this.mountPoint(volume), { force });
      await (await this.driver()).detach(volume, { force });
      await this.records.remove(volume);
    });
  }

  /** All volumes of this host; the first failure is thrown after every one was tried. */
  async releaseAll(options: { readonly force: boolean }): Promise<void> {
    const volumes = await this.volumesHere();
    const results = await Promise.allSettled(volumes.map((volume) => this.release(volume, options)));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  /** What there is of volumes here, also what no record of this host knows. */
  async inventory(): Promise<HostInventory> {
    const { stateDir } = this.options;
    const driver = await this.driver();
    return takeInventory({ stateDir, driver, records: this.records, processes: this.processes });
  }

  mountPoint(volume: string): string {
    return join(this.options.stateDir, 'mnt', volume);
  }

  /**
   * Engine and attach are killed at once. The engine goes first, but is not waited for beyond a moment: a backend that
   * waits for the volume cannot die before the attach is gone and the kernel answers it EIO.
   */
  private async cutOff(volume: string): Promise<void> {
    const warn = (error: unknown): void => {
      this.options.log.warn({ volume, error: messageOf(error) }, 'a kill did not end at once');
    };
    const engine = (await this.records.get(volume))?.engine;
    const killed =
      engine === undefined
        ? Promise.resolve()
        : engineNamed(this.engines, engine.engine).stop(this.specOf(engine), { kill: true }).catch(warn);
    const headstart = new AbortController();
    await Promise.race([
      killed,
      sleep(ENGINE_KILL_HEADSTART_MS, undefined, { signal: headstart.signal }).catch(() => undefined),
    ]);
    headstart.abort();
    await (await this.driver()).detach(volume, { force: true }).catch(warn);
    await killed;
  }

  private async remember(engine: HostEngine): Promise<void> {
    const record = await this.records.get(engine.volume);
    if (record === undefined || (await mountAt(this.mountPoint(engine.volume))) === undefined)
      throw notMounted(engine.volume);
    await checkReachable(this.options.stateDir);
    await this.records.put({ ...record, engine });
  }

  /** From the records, and from what there is without one. */
  private async volumesHere(): Promise<readonly string[]> {
    const recorded = (await this.records.list()).map((record) => record.volume);
    const traces = await (await this.driver()).traces();
    const folder = `${join(this.options.stateDir, 'mnt')}/`;
    const mounted = (await listMounts())
      .map((mount) => mount.mountPoint)
      .filter((path) => path.startsWith(folder))
      .map((path) => path.slice(folder.length));
    return [...new Set([...recorded, ...traces, ...mounted])].filter((volume) => VOLUME.test(volume));
  }

  /** Of new volumes. */
  private get fileSystem(): FileSystemDriver {
    return FILE_SYSTEMS.find(({ type }) => type === this.options.fileSystem) ?? ext4;
  }

  private driver(): Promise<AttachDriver> {
    const { stateDir, attach } = this.options;
    const prefer = attach === undefined ? {} : { prefer: attach };
    this.attachDriver ??= chooseAttachDriver({ stateDir, processes: this.processes, ...prefer });
    return this.attachDriver;
  }

  /** Once in a daemon's life, so that a failover does not ask dpkg; asked again after a failure. */
  private async ensureTools(driver: AttachDriver): Promise<void> {
    const { fileSystem } = this;
    const tools = (this.toolsPresent ??= ensurePackages({ ...driver.packages, ...fileSystem.packages }));
    try {
      await tools;
    } catch (error) {
      this.toolsPresent = undefined;
      throw error;
    }
  }

  private async prepareFolders(): Promise<void> {
    const { stateDir } = this.options;
    for (const folder of [stateDir, join(stateDir, 'run'), join(stateDir, 'mnt'), join(stateDir, 'log')]) {
      await mkdir(folder, { recursive: true, mode: 0o711 });
      const { mode } = await stat(folder);
      if ((mode & PASS_THROUGH) !== PASS_THROUGH) await chmod(folder, (mode & 0o7777) | PASS_THROUGH);
    }
  }

  private specOf(engine: HostEngine): EngineSpec {
    checkEngine(engine);
    const { address } = this.options;
    if (!isIPv4(address)) throw invalidField('host.address', address, 'an IPv4 address');
    return { ...engine, address, mountPoint: this.mountPoint(engine.volume) };
  }
}

function notMounted(volume: string): LockstepError {
  return new LockstepError('FAILED_PRECONDITION', `volume ${volume} is not mounted on this host`, {
    reason: 'NOT_MOUNTED',
    metadata: { volume },
  });
}

/** The folders above the state folder are not ours to change, so a closed one is named instead. */
async function checkReachable(stateDir: string): Promise<void> {
  for (let folder = dirname(stateDir); folder !== '/'; folder = dirname(folder)) {
    const { mode } = await stat(folder);
    if ((mode & OTHERS_PASS) !== 0) continue;
    throw new LockstepError(
      'FAILED_PRECONDITION',
      `the engine's own user cannot reach host.state_dir ${stateDir}: ${folder} lets only its owner pass; ` +
        `"chmod o+x ${folder}" would let it`,
      { reason: 'STATE_DIR_NOT_REACHABLE', metadata: { folder } },
    );
  }
}

/** Names become parts of paths and of configuration files. */
function checkVolume(volume: string): void {
  if (!VOLUME.test(volume))
    throw invalidField('volume', volume, '1 to 63 of letters, digits, "_", "." and "-"');
}

function checkEngine({ volume, database, user, port }: HostEngine): void {
  checkVolume(volume);
  if (!DATABASE.test(database)) throw invalidField('database', database, 'a DNS label of 1 to 40 characters');
  if (!USER.test(user)) throw invalidField('user', user, '1 to 63 of a-z, 0-9 and "_"');
  if (!Number.isInteger(port) || port < 1 || port > HIGHEST_PORT)
    throw invalidField('port', String(port), '1 to 65535');
}
