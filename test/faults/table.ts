/** The faults that a database is put through, one at a time, and what has to be written down about each. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { NetworkHost } from '../../bench/lib/host-network.ts';
import type { Installation } from '../../bench/lib/installation.ts';
import type { EventReason } from '../../control/model/event-reasons.ts';
import type { DiskFault } from '../../proto/gen/lockstep/agent/v1/fault.ts';

export interface Scene {
  readonly installation: Installation;
  readonly primary: NetworkHost;
  readonly secondary: NetworkHost;
  /** Of every volume of the host, in place of those before. */
  readonly setDiskFaults: (host: NetworkHost, faults: readonly Partial<DiskFault>[]) => Promise<void>;
  readonly start: (host: NetworkHost) => Promise<void>;
  /** SIGKILL to the engine's first process there. */
  readonly killEngine: (host: NetworkHost) => Promise<void>;
}

export interface Fault {
  readonly name: string;
  readonly begin: (scene: Scene) => Promise<void> | void;
  /** How long it lasts, then `end`. */
  readonly lastsMs: number;
  readonly end: (scene: Scene) => Promise<void> | void;
  /** Each is written about the database, or about a host. */
  readonly events: readonly EventReason[];
  /** The database is elsewhere afterwards; else where it was. Absent: either. */
  readonly moves?: boolean;
}

const SHORT_MS = 1000;
const LONG_MS = 6000;
const STUCK: Partial<DiskFault> = { operation: 'flush', perMille: 1000, delayMs: 60_000 };
const BROKEN: Partial<DiskFault> = { operation: 'write', perMille: 1000, error: 'EIO' };

type Ways = (scene: Scene) => readonly (readonly [from: NetworkHost, to: NetworkHost])[];

/** Packets of these ways are gone for so long. */
function cut(name: string, ways: Ways, rest: Omit<Fault, 'name' | 'begin' | 'end'>): Fault {
  return {
    name,
    begin: (scene) => {
      for (const [from, to] of ways(scene)) scene.installation.network.cut(from, to);
    },
    end: ({ installation }) => {
      installation.network.healAll();
    },
    ...rest,
  };
}

const LINK_LOST = { lastsMs: LONG_MS, events: ['SECONDARY_LOST', 'IN_SYNC'], moves: false } as const;
const UNHEARD = { lastsMs: LONG_MS, events: ['HOST_LOST', 'HOST_BACK'], moves: false } as const;
const TAKEN_OVER = ['PRIMARY_LOST', 'FAILOVER_STARTED', 'FAILED_OVER', 'IN_SYNC'] as const;

export const FAULTS: readonly Fault[] = [
  {
    name: 'the host of the primary dies',
    begin: ({ installation, primary }) => installation.killHost(primary),
    lastsMs: LONG_MS,
    end: async ({ installation, primary, start }) => {
      await installation.clearHost(primary);
      await start(primary);
    },
    events: [...TAKEN_OVER, 'HOST_LOST', 'HOST_BACK'],
    moves: true,
  },
  {
    name: 'the daemon of the primary is killed, and its engine left',
    begin: ({ installation, primary }) => installation.killDaemon(primary),
    lastsMs: LONG_MS,
    end: ({ primary, start }) => start(primary),
    events: [...TAKEN_OVER],
    moves: true,
  },
  {
    name: 'the daemon of the secondary is killed',
    begin: ({ installation, secondary }) => installation.killDaemon(secondary),
    lastsMs: LONG_MS,
    end: ({ secondary, start }) => start(secondary),
    events: ['SECONDARY_LOST', 'HOST_LOST', 'HOST_BACK', 'IN_SYNC'],
    moves: false,
  },
  {
    name: 'control is killed',
    begin: ({ installation }) => installation.killDaemon('control'),
    lastsMs: LONG_MS,
    end: ({ start }) => start('control'),
    events: [],
    moves: false,
  },
  {
    name: 'the engine is killed',
    begin: ({ primary, killEngine }) => killEngine(primary),
    lastsMs: SHORT_MS,
    end: () => undefined,
    events: ['ENGINE_RESTARTED'],
    moves: false,
  },
  {
    name: 'both hosts die and come back',
    begin: async ({ installation, primary, secondary }) => {
      await Promise.all([installation.killHost(primary), installation.killHost(secondary)]);
    },
    lastsMs: LONG_MS,
    end: async ({ installation, primary, secondary, start }) => {
      await Promise.all([installation.clearHost(primary), installation.clearHost(secondary)]);
      await Promise.all([start(primary), start(secondary)]);
    },
    events: ['HOST_LOST', 'HOST_BACK', 'ENGINE_RESTARTED'],
    moves: false,
  },
  cut('primary to secondary is cut', ({ primary, secondary }) => [[primary, secondary]], LINK_LOST),
  cut('secondary to primary is cut', ({ primary, secondary }) => [[secondary, primary]], LINK_LOST),
  cut('primary to control is cut', ({ primary }) => [[primary, 'control']], UNHEARD),
  cut('control to primary is cut', ({ primary }) => [['control', primary]], UNHEARD),
  cut('secondary to control is cut', ({ secondary }) => [[secondary, 'control']], UNHEARD),
  cut('control to secondary is cut', ({ secondary }) => [['control', secondary]], UNHEARD),
  cut(
    'nothing that the primary sends arrives',
    ({ primary, secondary }) => [
      [primary, secondary],
      [primary, 'control'],
    ],
    { lastsMs: LONG_MS * 2, events: [...TAKEN_OVER, 'HOST_LOST', 'HOST_BACK'], moves: true },
  ),
  cut(
    'nothing that is sent to the primary arrives',
    ({ primary, secondary }) => [
      [secondary, primary],
      ['control', primary],
    ],
    { lastsMs: LONG_MS * 2, events: [...TAKEN_OVER, 'HOST_LOST', 'HOST_BACK'], moves: true },
  ),
  cut(
    'the link drops for less than the lease',
    ({ primary, secondary }) => [
      [primary, secondary],
      [secondary, primary],
    ],
    { lastsMs: SHORT_MS, events: [], moves: false },
  ),
  {
    name: 'the disk of the primary hangs',
    begin: ({ primary, setDiskFaults }) => setDiskFaults(primary, [STUCK]),
    lastsMs: LONG_MS * 2,
    end: ({ primary, setDiskFaults }) => setDiskFaults(primary, []),
    events: [...TAKEN_OVER],
    moves: true,
  },
  {
    name: 'the disk of the primary fails writes',
    begin: ({ primary, setDiskFaults }) => setDiskFaults(primary, [BROKEN]),
    lastsMs: LONG_MS,
    end: ({ primary, setDiskFaults }) => setDiskFaults(primary, []),
    events: [...TAKEN_OVER],
    moves: true,
  },
  {
    name: 'the disk of the secondary hangs',
    begin: ({ secondary, setDiskFaults }) => setDiskFaults(secondary, [STUCK]),
    lastsMs: LONG_MS * 2,
    end: ({ secondary, setDiskFaults }) => setDiskFaults(secondary, []),
    events: ['SECONDARY_LOST', 'IN_SYNC'],
    moves: false,
  },
  {
    name: 'the primary drops out twenty times in a minute',
    begin: async ({ installation, primary, secondary }) => {
      const ways = [
        [primary, secondary],
        [primary, 'control'],
      ] as const;
      for (let drops = 0; drops < 20; drops++) {
        for (const [from, to] of ways) installation.network.part(from, to);
        await sleep(2000);
        installation.network.healAll();
        await sleep(1000);
      }
    },
    lastsMs: SHORT_MS,
    end: ({ installation }) => {
      installation.network.healAll();
    },
    events: [],
  },
];
