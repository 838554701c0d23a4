/**
 * What a quick start consists of: three hosts on one machine, each with an address, a folder, a configuration and a
 * log of its own. Pure: the same options give the same plan.
 *
 *     <state>/quickstart.json      what it was started with
 *     <state>/{a,b,control}/config.toml, daemon.log, daemon.pid, state/
 */
import { isAbsolute, join, normalize } from 'node:path';
import { stringify } from 'smol-toml';
import { z } from 'zod';
import { invalidField } from '../../daemon/sys/errors.ts';

export interface PlanOptions {
  /** An absolute path without symbolic links in it. */
  readonly stateDir: string;
  /** The first three numbers of the hosts' addresses. */
  readonly network: string;
  readonly dnsPort: number;
}

export interface HostPlan {
  readonly id: 'control' | 'host-a' | 'host-b' | 'host-c';
  /** Undefined for the host that decides and stores nothing. */
  readonly zone: 'a' | 'b' | 'c' | undefined;
  readonly address: string;
  readonly folder: string;
  readonly config: string;
  readonly log: string;
  readonly pidFile: string;
  readonly stateDir: string;
  /** Keys of its section [storage]; absent: none. */
  readonly storage?: Readonly<Record<string, string | number>>;
}

export interface Plan extends PlanOptions {
  /** Control first: hosts report to it. */
  readonly hosts: readonly [HostPlan, HostPlan, HostPlan];
  /** The public API, host:port. */
  readonly server: string;
  readonly settingsFile: string;
}

export const DEFAULT_STATE_DIR = '/var/lib/lockstep-quickstart';
export const DEFAULT_NETWORK = '127.0.0';
export const DEFAULT_DNS_PORT = 53;

/** As daemon/sys/config.ts has them by default: the same on each host, since each has its own address. */
export const PORTS = { api: 7400, replication: 7401, metrics: 7402, nbd: 10_809, engine: 5432 } as const;

/** A Unix socket's path must fit 107 bytes, and hosts put theirs below the state folder. */
const MAX_STATE_DIR_LENGTH = 60;
const HIGHEST_OCTET = 255;
const HIGHEST_PORT = 65_535;

export const database = {
  id: 'orders',
  engine: 'postgresql',
  sizeBytes: 1n << 30n,
  zones: ['a', 'b'],
} as const;

export function planOf(options: PlanOptions): Plan {
  checkStateDir(options.stateDir);
  checkNetwork(options.network);
  if (!Number.isInteger(options.dnsPort) || options.dnsPort < 1 || options.dnsPort > HIGHEST_PORT)
    throw invalidField('--dns-port', String(options.dnsPort), 'a port from 1 to 65535');
  const control = hostPlan(options, { id: 'control', zone: undefined, folder: 'control', last: 10 });
  const a = hostPlan(options, { id: 'host-a', zone: 'a', folder: 'a', last: 11 });
  const b = hostPlan(options, { id: 'host-b', zone: 'b', folder: 'b', last: 12 });
  return {
    ...options,
    hosts: [control, a, b],
    server: `${control.address}:${String(PORTS.api)}`,
    settingsFile: join(options.stateDir, 'quickstart.json'),
  };
}

/** Of one host of such a plan. */
export function hostPlan(
  options: PlanOptions,
  host: Pick<HostPlan, 'id' | 'zone'> & { readonly folder: string; readonly last: number },
): HostPlan {
  const folder = join(options.stateDir, host.folder);
  return {
    id: host.id,
    zone: host.zone,
    address: `${options.network}.${String(host.last)}`,
    folder,
    config: join(folder, 'config.toml'),
    log: join(folder, 'daemon.log'),
    pidFile: join(folder, 'daemon.pid'),
    stateDir: join(folder, 'state'),
  };
}

/** `--clean` removes this folder with everything in it: a slip like / or /home must not come near. */
function checkStateDir(stateDir: string): void {
  const parts = normalize(stateDir)
    .split('/')
    .filter((part) => part !== '');
  const wrong = !isAbsolute(stateDir) || normalize(stateDir) !== stateDir || parts.length < 2;
  if (wrong || stateDir.endsWith('/') || /[\s"'\\]/.test(stateDir))
    throw invalidField(
      '--state',
      stateDir,
      'an absolute path of at least two folders, without spaces and quotes, such as /var/lib/lockstep-try',
    );
  if (stateDir.length > MAX_STATE_DIR_LENGTH)
    throw invalidField('--state', stateDir, `at most ${String(MAX_STATE_DIR_LENGTH)} characters`);
}

function checkNetwork(network: string): void {
  const octets = network.split('.');
  const valid =
    octets.length === 3 &&
    octets[0] === '127' &&
    octets.every((octet) => /^(0|[1-9]\d{0,2})$/.test(octet) && Number(octet) <= HIGHEST_OCTET);
  if (!valid) throw invalidField('--network', network, 'three numbers that start with 127, such as 127.0.0');
}

/** The host's configuration file, in the words of daemon/sys/config.ts. */
export function configText(plan: Plan, host: HostPlan): string {
  const { id, zone, address, stateDir } = host;
  const common = {
    host: { name: id, ...(zone === undefined ? {} : { zone }), address, state_dir: stateDir },
    ports: { api: PORTS.api, replication: PORTS.replication, metrics: PORTS.metrics, nbd: PORTS.nbd },
  };
  const role =
    zone === undefined
      ? { control: { engine_port: PORTS.engine, dns: { port: plan.dnsPort } } }
      : { storage: { ...host.storage }, coordinator: { server: plan.server } };
  return `# Written by the quick start for ${id}: what is changed here is lost at its next start.\n${stringify({ ...common, ...role })}`;
}

const settingsSchema = z.object({ version: z.literal(1), network: z.string(), dnsPort: z.int() });

/** What a later call without options takes up again. */
export type Settings = Readonly<Pick<PlanOptions, 'network' | 'dnsPort'>>;

export function settingsText(plan: Plan): string {
  return `${JSON.stringify({ version: 1, network: plan.network, dnsPort: plan.dnsPort }, null, 2)}\n`;
}

/** Undefined for a file that is cut off or of another kind: then the options and defaults decide. */
export function parseSettings(text: string): Settings | undefined {
  try {
    const { network, dnsPort } = settingsSchema.parse(JSON.parse(text));
    return { network, dnsPort };
  } catch {
    return undefined;
  }
}
