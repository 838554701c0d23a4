/** `lockstep host ...` and `lockstep zone list` */
import { type Command, Option } from 'commander';
import { hostId } from '../lockstep.ts';
import {
  type ChangeOptions,
  changeFlags,
  confirm,
  ETAG_OPTION,
  run,
  settingsOf,
  settle,
  YES_OPTION,
} from './command.ts';
import type { Context } from './context.ts';
import { hostJson } from './json.ts';
import { renderHost, renderHosts, renderZones, zoneJson } from './render-host.ts';
import { printable } from './text.ts';
import type { Host } from '../../proto/gen/lockstep/v1/host_service.ts';

type Words = readonly string[];

interface HostOptions extends ChangeOptions {
  readonly zone?: string;
  readonly address?: string;
  readonly cordoned?: boolean;
  readonly reason?: string;
}

const NAME = ['<name>', 'of the host'] as const;
const VALIDATE_OPTION = ['--validate-only', 'check everything, change nothing'] as const;

export function addHostCommands(program: Command): void {
  const host = program.command('host').description('the machines that store and decide');
  host
    .command('register')
    .description('make a host known before its daemon reports, or let a removed one report again')
    .argument('<name>', 'the host.name of its configuration')
    .addOption(new Option('--zone <zone>', 'that its daemon must report').makeOptionMandatory())
    .option('--address <address>', 'that its daemon must report; any when left out')
    .option('--cordoned', 'place no copy on it yet')
    .option(...VALIDATE_OPTION)
    .action(run(register));
  host.command('list').description('every host').action(run(list));
  host
    .command('get')
    .description('one host')
    .argument(...NAME)
    .action(run(get));
  host
    .command('cordon')
    .description('place no new copy on it; what is there stays')
    .argument(...NAME)
    .option('--reason <words>', 'shown wherever the host is')
    .option(...ETAG_OPTION)
    .action(run(cordon));
  host
    .command('uncordon')
    .description('place copies on it again')
    .argument(...NAME)
    .option(...ETAG_OPTION)
    .action(run(uncordon));
  changeFlags(
    host
      .command('drain')
      .description('move everything that is on it to other hosts, by switchover and new copies')
      .argument(...NAME),
  ).action(run(drain));
  host
    .command('remove')
    .description('forget a host that holds nothing; its daemon is refused from then on')
    .argument(...NAME)
    .option(...YES_OPTION)
    .option(...ETAG_OPTION)
    .option(...VALIDATE_OPTION)
    .action(run(remove));
  const zone = program.command('zone').description('the failure domains that hosts are in');
  zone.command('list').description('every zone that a host reports').action(run(listZones));
}

async function register(context: Context, [name = '']: Words, options: HostOptions): Promise<void> {
  const { zone = '', address, cordoned = false, validateOnly = false } = options;
  const request = { id: name, zone, cordoned, validateOnly, ...(address === undefined ? {} : { address }) };
  const host = await context.client.hosts.register(request, { signal: context.signal });
  show(context, host, validateOnly);
}

async function list(context: Context): Promise<void> {
  const hosts = await context.client.hosts.list({ signal: context.signal });
  context.print(
    () => renderHosts(hosts, context.paint),
    () => hosts.map(hostJson),
  );
}

async function get(context: Context, [name = '']: Words): Promise<void> {
  show(context, await context.client.hosts.get(name, { signal: context.signal }));
}

async function cordon(context: Context, [name = '']: Words, options: HostOptions): Promise<void> {
  const { reason = '', etag = '' } = options;
  show(context, await context.client.hosts.cordon(name, { reason, etag, signal: context.signal }));
}

async function uncordon(context: Context, [name = '']: Words, { etag = '' }: HostOptions): Promise<void> {
  show(context, await context.client.hosts.uncordon(name, { etag, signal: context.signal }));
}

async function drain(context: Context, [name = '']: Words, options: HostOptions): Promise<void> {
  const operation = await context.client.hosts.drain(name, settingsOf(context, options));
  await settle(context, options, operation, async (result) => {
    show(context, result.host ?? (await context.client.hosts.get(name)));
  });
}

async function remove(context: Context, [name = '']: Words, options: HostOptions): Promise<void> {
  const { etag = '', validateOnly = false } = options;
  const id = hostId(name);
  await confirm(context, options, { loss: `Control forgets ${id}, and refuses its daemon.`, id });
  await context.client.hosts.remove(name, { etag, validateOnly, signal: context.signal });
  context.print(
    () =>
      validateOnly
        ? `${printable(id)} could be removed; nothing was changed.\n`
        : `${printable(id)} is removed.\n`,
    () => ({ removed: validateOnly ? null : `hosts/${id}` }),
  );
}

function show(context: Context, host: Host, validateOnly = false): void {
  context.print(
    () => `${renderHost(host, context.paint)}${validateOnly ? 'Nothing was changed.\n' : ''}`,
    () => hostJson(host),
  );
}

async function listZones(context: Context): Promise<void> {
  const zones = await context.client.zones.list({ signal: context.signal });
  context.print(
    () => renderZones(zones, context.paint),
    () => zones.map(zoneJson),
  );
}
