/** `lockstep engine list|parameters`: what databases can be made of. */
import type { Command } from 'commander';
import type { EngineParameter, EngineVersion } from '../../proto/gen/lockstep/v1/engine_service.ts';
import { hostId } from '../lockstep.ts';
import { run } from './command.ts';
import type { Context, GlobalOptions } from './context.ts';
import { UsageError } from './errors.ts';
import { integer, type Json, orNull } from './json.ts';
import { parameterTypeName } from './names.ts';
import { formatSize } from './size.ts';
import { listed, type Paint, printable, table } from './text.ts';

type Words = readonly string[];

export function addEngineCommands(program: Command): void {
  const engine = program.command('engine').description('the database engines that can be asked for');
  engine
    .command('list')
    .description('every engine and version that some host has or can install')
    .argument('[engine]', 'of this engine alone')
    .action(run(list));
  engine
    .command('parameters')
    .description('what can be set with --parameter, and to which values')
    .argument('<engine>')
    .option('--engine-version <version>', 'the newest when left out')
    .action(run(parameters));
}

async function list(context: Context, [engine]: Words): Promise<void> {
  const versions = await versionsOf(context, engine);
  context.print(
    () => renderVersions(versions, context.paint),
    () => versions.map(versionJson),
  );
}

async function versionsOf(context: Context, engine: string | undefined): Promise<readonly EngineVersion[]> {
  const { signal } = context;
  return context.client.engineVersions.list(engine === undefined ? { signal } : { engine, signal });
}

const VERSIONS = [
  { title: 'ENGINE' },
  { title: 'VERSION' },
  { title: 'LEAST SIZE', align: 'right' },
  { title: 'PORT', align: 'right' },
  { title: 'RECOVERS WITHIN', align: 'right' },
  { title: 'HOSTS' },
] as const;

function renderVersions(versions: readonly EngineVersion[], paint: Paint): string {
  if (versions.length === 0) return 'No host has reported an engine yet.\n';
  const rows = versions.map((version) => [
    paint('heading', printable(version.engine)),
    printable(version.version),
    formatSize(version.minimumSizeBytes),
    String(version.defaultPort),
    `${String(version.recoveryBoundSeconds)} s`,
    printable(version.hosts.map(hostId).join(', ')),
  ]);
  return `${table(VERSIONS, rows, paint).join('\n')}\n`;
}

async function parameters(
  context: Context,
  [engine = '']: Words,
  { engineVersion }: GlobalOptions & { readonly engineVersion?: string },
): Promise<void> {
  const versions = await versionsOf(context, engine);
  const chosen =
    engineVersion === undefined
      ? newest(versions)
      : versions.find(({ version }) => version === engineVersion);
  if (chosen === undefined)
    throw new UsageError(
      `no host has ${printable(engine)} ${printable(engineVersion ?? '')}`.trimEnd(),
      versions.length === 0 ? 'lockstep engine list' : listed(versions.map(({ version }) => version)),
    );
  context.print(
    () => renderParameters(chosen, context.paint),
    () => chosen.parameters.map(parameterJson),
  );
}

function newest(versions: readonly EngineVersion[]): EngineVersion | undefined {
  const byVersion = (a: EngineVersion, b: EngineVersion): number =>
    a.version.localeCompare(b.version, 'en', { numeric: true });
  return versions.toSorted(byVersion).at(-1);
}

const PARAMETERS = [
  { title: 'PARAMETER' },
  { title: 'DEFAULT' },
  { title: 'ALLOWED' },
  { title: 'TAKES EFFECT' },
  { title: 'WHAT IT IS' },
] as const;

function renderParameters(version: EngineVersion, paint: Paint): string {
  const rows = version.parameters.map((parameter) => [
    paint('heading', printable(parameter.name)),
    printable(parameter.defaultValue === '' ? 'by size' : `${parameter.defaultValue}${unitOf(parameter)}`),
    printable(allowedOf(parameter)),
    parameter.needsRestart ? 'at a reboot' : 'at once',
    printable(parameter.description),
  ]);
  return `${table(PARAMETERS, rows, paint).join('\n')}\n`;
}

function unitOf({ unit }: EngineParameter): string {
  return unit === '' ? '' : ` ${unit}`;
}

function allowedOf(parameter: EngineParameter): string {
  const { choices, minimum, maximum } = parameter;
  if (choices.length > 0) return choices.join(', ');
  if (minimum !== '' || maximum !== '') return `${minimum} to ${maximum}${unitOf(parameter)}`;
  return parameterTypeName(parameter.type).toLowerCase();
}

function versionJson(version: EngineVersion): Json {
  return {
    name: version.name,
    engine: version.engine,
    version: version.version,
    hosts: version.hosts.map(hostId),
    minimumSizeBytes: integer(version.minimumSizeBytes),
    defaultPort: version.defaultPort,
    recoveryBoundSeconds: version.recoveryBoundSeconds,
    parameters: version.parameters.map(parameterJson),
  };
}

function parameterJson(parameter: EngineParameter): Json {
  return {
    name: parameter.name,
    description: parameter.description,
    type: parameterTypeName(parameter.type),
    defaultValue: orNull(parameter.defaultValue),
    minimum: orNull(parameter.minimum),
    maximum: orNull(parameter.maximum),
    unit: orNull(parameter.unit),
    choices: [...parameter.choices],
    needsRestart: parameter.needsRestart,
  };
}
