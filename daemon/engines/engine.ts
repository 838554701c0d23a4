/**
 * What an engine is to the rest of the house. One engine is one PURE file of this folder: the facts that control and
 * hosts share, and the packages, scripts, arguments, texts and bytes by which daemon/host/engine-driver.ts runs it. It
 * reads and starts nothing itself, so that control can import it and a test can read it. docs/engines.md is the guide.
 */

interface ParameterFacts {
  /** As the engine calls it. */
  readonly name: string;
  readonly description: string;
  /** Empty: it follows the size of the database. */
  readonly defaultValue: string;
  /** A change takes effect at the engine's next start. */
  readonly needsRestart: boolean;
}

interface NumberParameter extends ParameterFacts {
  readonly type: 'integer' | 'decimal';
  readonly minimum: number;
  readonly maximum: number;
  /** Such as "ms" or "MB", as the engine's configuration writes it; empty: none. */
  readonly unit: string;
}

interface BooleanParameter extends ParameterFacts {
  readonly type: 'boolean';
}

interface ChoiceParameter extends ParameterFacts {
  readonly type: 'choice';
  readonly choices: readonly string[];
}

/** A setting that a person may change. What could lose an acknowledged write is never one. */
export type EngineParameter = NumberParameter | BooleanParameter | ChoiceParameter;

export interface Endpoint {
  /** The DNS name that follows the primary. */
  readonly alias: string;
  readonly port: number;
  /** The administrator. */
  readonly user: string;
  /** Of the first database in the engine. */
  readonly database: string;
  /** Every address that can become primary. */
  readonly addresses: readonly string[];
}

export interface EngineFacts {
  /** By which the API knows it. */
  readonly name: string;
  /** For people. */
  readonly title: string;
  readonly minimumSizeBytes: number;
  readonly defaultPort: number;
  /** How long crash recovery may take with the parameters at their defaults, on two cores. */
  readonly recoveryBoundSeconds: number;
  readonly parameters: readonly EngineParameter[];
  /** Databases that every installation of the engine has, so that no new one can be called so. */
  readonly ownDatabases: readonly string[];
  /** "15.18" to "15": the files of one major version are not readable by every other. Empty stays empty. */
  majorOf(version: string): string;
  /** Without the password. */
  uri(endpoint: Endpoint): string;
  /** Of every address, for clients that cache names; empty where the engine's clients know none. */
  multiHostUri(endpoint: Endpoint): string;
  /** A command that connects, and asks for the password. */
  command(endpoint: Endpoint): string;
}

/** One engine on one volume of one host. Paths are absolute. */
export interface EngineSite {
  readonly volume: string;
  /** Name of the first database in the engine. */
  readonly database: string;
  /** The administrator. */
  readonly user: string;
  /** The address of this host that the engine listens on, and no other. */
  readonly address: string;
  readonly port: number;
  /** Of the volume; 0: it cannot be told. */
  readonly sizeBytes: number;
  /** On the replicated file system, so it crosses to the other host: nothing of this host may be in it. */
  readonly dataDir: string;
  /** Of this host, outside of the volume: what `configuration` answers is written here. */
  readonly configDir: string;
  /** Open to the engine's user and root alone; empty at each start. */
  readonly socketDir: string;
}

/** A package of the distribution's sources. */
export interface OfferedPackage {
  readonly name: string;
  readonly version: string;
}

/** A server program that is on the host. */
export interface InstalledServer {
  readonly program: string;
  /** In full, such as "15.18". */
  readonly version: string;
}

export interface Installing {
  /** Debian packages of that major version, each with the reason why it is needed; of the newest for "". */
  needs(version: string): Readonly<Record<string, string>>;
  /** Whether a package that the sources have is the server of one version. */
  readonly serverPackage: RegExp;
  /** A file that stands there while the package manager works: keeps it from making and starting a server itself. */
  readonly during?: { readonly path: string; readonly text: string };
  /** Of that server package. */
  majorOf(offered: OfferedPackage): string;
}

/** A program's child that runs to its end as the engine's user: `sh -ceu script lockstep ...args`. */
export interface Script {
  readonly script: string;
  readonly args: readonly string[];
  /** The only way that a password goes: arguments and environment can be read by others. */
  readonly input: string;
}

/** What is said to a server on its Unix socket, in one go, to know whether it answers queries. */
export interface Probe {
  readonly send: Uint8Array;
  /** Of all bytes that came back so far. */
  answered(received: Buffer): boolean;
}

export interface Engine extends EngineFacts {
  /** Whom its processes run as; made where the packages do not. */
  readonly systemUser: string;
  /** Its server programs; one `*` stands for a version. Each tells its version when it is run with --version. */
  readonly server: string;
  /** Programs beside it that it is not without, of packages of their own. */
  readonly tools: readonly string[];
  /** Names of every program that may be at work in its data folder. */
  readonly programs: readonly string[];
  /** Folder on the volume. Of its own: lost+found is beside it. */
  readonly dataFolder: string;
  readonly installing: Installing;
  /**
   * Makes the data folder complete, which is there, empty, and the engine's user's own: the administrator with the
   * password, and the first database. Need not sync: everything is synced before it counts as complete.
   */
  initialize(site: EngineSite, server: InstalledServer, password: string): Script;
  /** The texts of its configuration, by file name. */
  configuration(
    site: EngineSite,
    parameters: Readonly<Record<string, string>>,
  ): Readonly<Record<string, string>>;
  /**
   * Shell, run as root with set -eu; $data is the data folder, $version the major version of its files, "$@" the
   * arguments, and "$as" what turns into the engine's user: it ends with `exec $as PROGRAM ... "$@"`.
   */
  readonly start: string;
  /** What must hold whatever the configuration, or a person inside the engine, says. */
  startArguments(site: EngineSite): readonly string[];
  /**
   * Writes back while the engine still serves, in a bounded time: a shutdown writes what is dirty before it ends, and
   * all of that time nobody is served. An engine that cannot do it is stopped all the same.
   */
  settle(site: EngineSite, server: InstalledServer): Script;
  /** Ends sessions, writes back, and ends. */
  readonly stopSignal: 'SIGINT' | 'SIGTERM';
  socket(site: EngineSite): string;
  probe(site: EngineSite): Probe;
  /** Has the running engine take its configuration; prints names of parameters that wait for a restart, one a line. */
  apply(site: EngineSite, server: InstalledServer, parameters: Readonly<Record<string, string>>): Script;
  setPassword(site: EngineSite, server: InstalledServer, password: string): Script;
}

/** "10.9" is older than "10.11". */
export function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** Every parameter: as given, else its default, else what `sized` says. Those that follow the size have no default. */
export function valuesOf(
  parameters: readonly EngineParameter[],
  given: Readonly<Record<string, string>>,
  sized: Readonly<Record<string, number>>,
): ReadonlyMap<EngineParameter, string> {
  return new Map(
    parameters.map((each) => {
      const byDefault = each.defaultValue === '' ? String(sized[each.name] ?? '') : each.defaultValue;
      return [each, given[each.name] ?? byDefault];
    }),
  );
}

/** Short forms, so that a list of parameters reads as a table. */
export const parameter = {
  integer: (
    name: string,
    description: string,
    range: {
      readonly from: number;
      readonly to: number;
      readonly byDefault: number | '';
      readonly unit?: string;
      readonly restart?: true;
    },
  ): EngineParameter => ({
    name,
    description,
    type: 'integer',
    minimum: range.from,
    maximum: range.to,
    defaultValue: String(range.byDefault),
    unit: range.unit ?? '',
    needsRestart: range.restart ?? false,
  }),
  decimal: (
    name: string,
    description: string,
    range: { readonly from: number; readonly to: number; readonly byDefault: number },
  ): EngineParameter => ({
    name,
    description,
    type: 'decimal',
    minimum: range.from,
    maximum: range.to,
    defaultValue: String(range.byDefault),
    unit: '',
    needsRestart: false,
  }),
  boolean: (name: string, description: string, byDefault: 'on' | 'off'): EngineParameter => ({
    name,
    description,
    type: 'boolean',
    defaultValue: byDefault,
    needsRestart: false,
  }),
  choice: (
    name: string,
    description: string,
    options: { readonly of: readonly string[]; readonly byDefault: string },
  ): EngineParameter => ({
    name,
    description,
    type: 'choice',
    choices: options.of,
    defaultValue: options.byDefault,
    needsRestart: false,
  }),
};
