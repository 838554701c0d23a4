/**
 * The daemon's configuration: one TOML file, checked before anything is opened. An error names the key, the value
 * and what is allowed; a key that does not exist is an error, since a mistyped key would else be a silent default.
 */
import { readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { isAbsolute } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { z } from 'zod';
import { type FieldViolation, LockstepError, messageOf } from './errors.ts';

const DNS_LABEL = /^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/;
const HIGHEST_PORT = 65_535;

/** sun_path of unix(7) without its NUL, less the daemon's own socket below the folder. */
const STATE_DIR_BYTES = 107 - '/sockets/nbd.sock'.length;

const label = '1 to 40 of a-z, 0-9 and "-", starting with a letter, not ending with "-"';
const dnsLabel = z.string(label).regex(DNS_LABEL, label);
const section = (name: string): string => `a section [${name}]`;
const ipv4 = 'an IPv4 address of this host by which others reach it';
const ipv4Address = z.string(ipv4).refine((address) => isIPv4(address) && address !== '0.0.0.0', ipv4);
const statePath = `an absolute path of at most ${String(STATE_DIR_BYTES)} bytes`;
const capacity = 'whole bytes, at least 1';
const MOST_RESERVE_MIB = 1_048_576;
const reserve = `whole MiB from 1 to ${String(MOST_RESERVE_MIB)}`;
const percent = '1 to 100';
/** Ten years. */
const MOST_GRACE_HOURS = 87_600;
const graceHours = `hours from 0 to ${String(MOST_GRACE_HOURS)}`;
const fileSystems = ['ext4', 'xfs'] as const;
const whenFull = ['fail', 'hold'] as const;
const logLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const;
const nbdTlsModes = ['off', 'allowed', 'required'] as const;
const apiTlsModes = ['off', 'required'] as const;
const pemFile = 'an absolute path of a PEM file';
const pemPath = z.string(pemFile).refine((path) => isAbsolute(path), pemFile);
const zoneName = 'a DNS name in lower case';
const serverAddress = "host:port of control's ports.api";
const port = z
  .int('a port from 1 to 65535')
  .min(1, 'a port from 1 to 65535')
  .max(HIGHEST_PORT, 'a port from 1 to 65535');
const milliseconds = (least: number, most: number) => {
  const allowed = `whole milliseconds from ${String(least)} to ${String(most)}`;
  return z.int(allowed).min(least, allowed).max(most, allowed);
};

const MOST_REPLACE_AFTER_SECONDS = 30 * 24 * 60 * 60;
const replaceAfter = `whole seconds from 1 to ${String(MOST_REPLACE_AFTER_SECONDS)}`;
function tlsMode<const Modes extends readonly ['off', ...string[]]>(modes: Modes) {
  return z.enum(modes, modes.join(', ')).default('off');
}

const tlsFiles = {
  /** PEM. The first two are required unless the mode is off. */
  certificate: pemPath.optional(),
  key: pemPath.optional(),
  /** Whose certificates clients must have; without it, clients need none. */
  client_ca: pemPath.optional(),
};

/** The paths of the keys that TLS of that section cannot do without. */
function missingIn(
  part: string,
  files: Readonly<Record<string, string | undefined>>,
  keys: string[],
): string[][] {
  return keys.filter((key) => files[key] === undefined).map((key) => [part, 'tls', key]);
}

const LEAST_DEFAULT_STALL_MS = 5000;
const leastStallMs = (silenceMs: number): number => silenceMs * 2;

/** Exported for the test that keeps docs/configuration.md complete. */
export const schema = z
  .strictObject({
    host: z.strictObject(
      {
        name: dnsLabel,
        /** Required of hosts that store. */
        zone: dnsLabel.optional(),
        address: ipv4Address,
        /** By which others reach this host, where that is not the address that it listens on. */
        advertised_address: ipv4Address.optional(),
        state_dir: z
          .string(statePath)
          .refine((path) => isAbsolute(path) && Buffer.byteLength(path) <= STATE_DIR_BYTES, statePath),
      },
      section('host'),
    ),
    ports: z
      .strictObject(
        {
          /** gRPC: the agent's private API, and on a control host the public API. */
          api: port.default(7400),
          replication: port.default(7401),
          metrics: port.default(7402),
          nbd: port.default(10_809),
        },
        section('ports'),
      )
      .prefault({}),
    nbd: z
      .strictObject(
        {
          tls: z.strictObject({ mode: tlsMode(nbdTlsModes), ...tlsFiles }, section('nbd.tls')).prefault({}),
        },
        section('nbd'),
      )
      .prefault({}),
    api: z
      .strictObject(
        {
          tls: z
            .strictObject(
              {
                mode: tlsMode(apiTlsModes),
                ...tlsFiles,
                /** Whose certificates the servers that this host calls must have. Required unless the mode is off. */
                ca: pemPath.optional(),
              },
              section('api.tls'),
            )
            .prefault({}),
        },
        section('api'),
      )
      .prefault({}),
    /** Present: this host stores volumes and runs engines. */
    storage: z
      .strictObject(
        {
          /** What volumes of this host may add up to; default: the size of the file system of state_dir. */
          capacity_bytes: z.int(capacity).min(1, capacity).optional(),
          /** Of new databases; one that is there is mounted whichever it has. */
          file_system: z.enum(fileSystems, fileSystems.join(', ')).default('ext4'),
        },
        section('storage'),
      )
      .optional(),
    store: z
      .strictObject(
        {
          /** Of the file system of state_dir: room that clients' writes may not take. */
          reserve_mib: z.int(reserve).min(1, reserve).max(MOST_RESERVE_MIB, reserve).default(64),
          when_full: z.enum(whenFull, whenFull.join(', ')).default('fail'),
          warn_percent: z.int(percent).min(1, percent).max(100, percent).default(85),
        },
        section('store'),
      )
      .prefault({}),
    /** Present: this host takes part in control. */
    control: z
      .strictObject(
        {
          dns: z
            .strictObject(
              {
                zone: z
                  .string(zoneName)
                  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/, zoneName)
                  .default('db.lockstep.internal'),
                port: port.default(53),
                ttl_seconds: z.int('1 to 5').min(1, '1 to 5').max(5, '1 to 5').default(1),
              },
              section('control.dns'),
            )
            .prefault({}),
          engine_port: port.default(5432),
          /** How long a deleted database can be brought back. */
          delete_grace_hours: z
            .number(graceHours)
            .min(0, graceHours)
            .max(MOST_GRACE_HOURS, graceHours)
            .default(24),
          /** How long a host is silent before its copies are made anew on others. */
          replace_after_seconds: z
            .int(replaceAfter)
            .min(1, replaceAfter)
            .max(MOST_REPLACE_AFTER_SECONDS, replaceAfter)
            .default(900),
        },
        section('control'),
      )
      .optional(),
    /** Where control is: every host that stores has to know. */
    coordinator: z
      .strictObject(
        { server: z.string(serverAddress).refine(isServerAddress, serverAddress) },
        section('coordinator'),
      )
      .optional(),
    timing: z
      .strictObject(
        {
          lease_ms: milliseconds(200, 60_000).default(1850),
          heartbeat_ms: milliseconds(20, 5000).default(250),
          /** How long a host must be silent before it counts as gone. */
          silence_ms: milliseconds(100, 60_000).default(1500),
          /** How long one operation of a disk may take before the disk counts as failed. */
          stall_ms: milliseconds(200, 600_000).optional(),
        },
        section('timing'),
      )
      .transform((timing) => ({
        ...timing,
        stall_ms: timing.stall_ms ?? Math.max(LEAST_DEFAULT_STALL_MS, leastStallMs(timing.silence_ms)),
      }))
      .prefault({}),
    log: z
      .strictObject({ level: z.enum(logLevels, logLevels.join(', ')).default('info') }, section('log'))
      .prefault({}),
  })
  .superRefine((config, context) => {
    if (config.storage === undefined && config.control === undefined)
      context.addIssue({
        code: 'custom',
        path: ['storage'],
        message: 'a [storage] or a [control] section, or both',
      });
    if (config.storage !== undefined && config.host.zone === undefined)
      context.addIssue({
        code: 'custom',
        path: ['host', 'zone'],
        message: 'a zone, since the host stores volumes',
      });
    if (config.storage !== undefined && config.coordinator === undefined)
      context.addIssue({ code: 'custom', path: ['coordinator', 'server'], message: serverAddress });
    const { nbd, api } = config;
    const files = [
      ...(nbd.tls.mode === 'off' ? [] : missingIn('nbd', nbd.tls, ['certificate', 'key'])),
      ...(api.tls.mode === 'off' ? [] : missingIn('api', api.tls, ['certificate', 'key', 'ca'])),
    ];
    for (const path of files) context.addIssue({ code: 'custom', path, message: pemFile });
    // The lease is asked for with each heartbeat: without room for one that is late, reads would stop at each.
    for (const key of ['silence_ms', 'lease_ms'] as const) {
      const { heartbeat_ms: heartbeatMs, [key]: limitMs } = config.timing;
      if (heartbeatMs * 2 <= limitMs) continue;
      const message = `at most half of timing.${key}: ${String(heartbeatMs)} of ${String(limitMs)}`;
      context.addIssue({ code: 'custom', path: ['timing', 'heartbeat_ms'], message });
    }
    // A host that is gone must be found so by its silence, not by the disk operations that it leaves unanswered.
    const { silence_ms: silenceMs, stall_ms: stallMs } = config.timing;
    if (stallMs >= leastStallMs(silenceMs)) return;
    const message = `at least twice timing.silence_ms: ${String(stallMs)} for ${String(silenceMs)}`;
    context.addIssue({ code: 'custom', path: ['timing', 'stall_ms'], message });
  });

export type Config = z.output<typeof schema>;

function isServerAddress(text: string): boolean {
  const given = /^[^:\s]+:(\d{1,5})$/.exec(text)?.[1];
  return given !== undefined && Number(given) >= 1 && Number(given) <= HIGHEST_PORT;
}

/** Reads and checks a configuration file. */
export function loadConfig(path: string): Config {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new LockstepError(
      'INVALID_ARGUMENT',
      `cannot read the configuration ${path}: ${messageOf(cause)}`,
      {
        reason: 'CONFIG_UNREADABLE',
        cause,
      },
    );
  }
  return parseConfig(text, path);
}

/** `source` is named in errors. */
export function parseConfig(text: string, source: string): Config {
  let table: unknown;
  try {
    table = parse(text);
  } catch (cause) {
    const place = cause instanceof TomlError ? `:${String(cause.line)}:${String(cause.column)}` : '';
    throw new LockstepError('INVALID_ARGUMENT', `${source}${place}: not TOML: ${messageOf(cause)}`, {
      reason: 'CONFIG_SYNTAX',
      cause,
    });
  }
  const result = schema.safeParse(table);
  if (result.success) return result.data;
  const violations = result.error.issues.flatMap((issue) => violationsOf(issue, table));
  const lines = violations.map((v) => `${v.field} is ${v.value}; allowed: ${v.allowed}`);
  throw new LockstepError('INVALID_ARGUMENT', `${source}: ${lines.join('; ')}`, {
    reason: 'CONFIG_INVALID',
    violations,
  });
}

function violationsOf(issue: z.core.$ZodIssue, table: unknown): FieldViolation[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    const allowed = `the keys of ${path.length === 0 ? 'the file' : `[${path.join('.')}]`} in docs/configuration.md`;
    return issue.keys.map((key) => ({ field: [...path, key].join('.'), value: 'unknown', allowed }));
  }
  const value = path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined),
    table,
  );
  return [
    {
      field: path.join('.'),
      value: value === undefined ? 'missing' : JSON.stringify(value),
      allowed: issue.message,
    },
  ];
}
