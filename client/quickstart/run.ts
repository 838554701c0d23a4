/** What the words of `npm run quickstart` ask for, and how its end is told: docs/quickstart.md. */
import { readFileSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Interrupted, exitCodeOf, renderError, UsageError } from '../cli/errors.ts';
import { paintFor } from '../cli/text.ts';
import { LockstepError, messageOf } from '../../daemon/sys/errors.ts';
import { quickstartCommand } from './commands.ts';
import { exclusively } from './exclusive.ts';
import { killPrimary } from './kill-primary.ts';
import {
  DEFAULT_DNS_PORT,
  DEFAULT_NETWORK,
  DEFAULT_STATE_DIR,
  parseSettings,
  type Plan,
  planOf,
  type Settings,
} from './plan.ts';
import type { Session } from './session.ts';
import { checkFolder, start } from './start.ts';
import { clean, stop } from './stop.ts';

const USAGE = `npm run quickstart                       start three daemons and the database orders, or what of them is missing
npm run quickstart -- --stop             stop everything, keep the data
npm run quickstart -- --clean            stop everything, remove every trace
npm run quickstart -- --kill-primary     SIGKILL every process of the primary's host, to see a failover

  --state DIR          where everything lies (${DEFAULT_STATE_DIR})
  --network 127.0.N    the hosts are .10, .11 and .12 of it (${DEFAULT_NETWORK})
  --dns-port PORT      of the DNS responder (${String(DEFAULT_DNS_PORT)})
`;

const OPTIONS = {
  stop: { type: 'boolean' },
  clean: { type: 'boolean' },
  'kill-primary': { type: 'boolean' },
  state: { type: 'string' },
  network: { type: 'string' },
  'dns-port': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Action = (session: Session) => Promise<void>;

interface Request {
  readonly action: Action;
  readonly plan: Plan;
}

/** Answers the exit code. */
export async function quickstart(words: readonly string[], interrupt: AbortSignal): Promise<number> {
  let plan: Plan | undefined;
  try {
    const request = requested(words);
    if (request === undefined) {
      process.stdout.write(USAGE);
      return 0;
    }
    plan = request.plan;
    checkRoot();
    checkFolder(plan.stateDir);
    const session = { plan, signal: interrupt, paint: paintFor(process.stdout), say };
    await exclusively(plan.stateDir, () => request.action(session));
    return 0;
  } catch (error) {
    const shown = interrupt.aborted && plan !== undefined ? interrupted(plan) : error;
    process.stderr.write(renderError(shown, plan?.server ?? '', paintFor(process.stderr)));
    if (shown instanceof LockstepError && shown.metadata['next'] === undefined && plan !== undefined)
      process.stderr.write(`Logs of the daemons: ${plan.stateDir}/{control,a,b}/daemon.log\n`);
    return exitCodeOf(shown);
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function interrupted(plan: Plan): Interrupted {
  return new Interrupted(
    `What was started is left as it is. Go on: ${quickstartCommand(plan)}; ` +
      `stop it: ${quickstartCommand(plan, '--stop')}; remove it: ${quickstartCommand(plan, '--clean')}`,
  );
}

function checkRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new LockstepError(
    'FAILED_PRECONDITION',
    'the quick start has to be root: it mounts file systems and installs PostgreSQL',
    { reason: 'NOT_ROOT', metadata: { next: 'Try: sudo npm run quickstart' } },
  );
}

/** Undefined: only help was asked for. */
function requested(words: readonly string[]): Request | undefined {
  const values = parsed(words);
  if (values.help === true) return undefined;
  const stateDir = withoutLinks(resolve(values.state ?? DEFAULT_STATE_DIR));
  const settings = settingsOf(stateDir);
  const asked: Partial<Settings> = {
    ...(values.network === undefined ? {} : { network: values.network }),
    ...(values['dns-port'] === undefined ? {} : { dnsPort: Number(values['dns-port']) }),
  };
  const plan = planOf({
    stateDir,
    network: asked.network ?? settings?.network ?? DEFAULT_NETWORK,
    dnsPort: asked.dnsPort ?? settings?.dnsPort ?? DEFAULT_DNS_PORT,
  });
  checkSameSettings(plan, settings);
  return { action: actionOf(values), plan };
}

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

function parsed(words: readonly string[]): Values {
  try {
    return parseArgs({ args: [...words], options: OPTIONS }).values;
  } catch (error) {
    throw new UsageError(
      messageOf(error),
      '--stop, --clean, --kill-primary, --state, --network, --dns-port, --help',
    );
  }
}

function actionOf(values: Values): Action {
  const chosen = [
    ...(values.stop === true ? [stop] : []),
    ...(values.clean === true ? [clean] : []),
    ...(values['kill-primary'] === true ? [killPrimary] : []),
  ];
  if (chosen.length > 1)
    throw new UsageError('two things were asked for at once', 'one of --stop, --clean and --kill-primary');
  return chosen[0] ?? start;
}

/** Records in the control store name the hosts' addresses: they do not move. */
function checkSameSettings(plan: Plan, settings: Settings | undefined): void {
  if (settings === undefined || (settings.network === plan.network && settings.dnsPort === plan.dnsPort))
    return;
  throw new UsageError(
    `${plan.stateDir} was started with --network ${settings.network} --dns-port ${String(settings.dnsPort)}`,
    'the same, or none; --clean first for others; or another --state beside it',
  );
}

function settingsOf(stateDir: string): Settings | undefined {
  try {
    return parseSettings(readFileSync(join(stateDir, 'quickstart.json'), 'utf8'));
  } catch {
    return undefined;
  }
}

/** Mounts and processes are found by the kernel's paths, which have no links in them. */
function withoutLinks(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(withoutLinks(parent), path.slice(parent.length));
  }
}
