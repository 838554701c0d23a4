/** Errors as a person gets them: one line that says what, one that says what is allowed or what to do next. Pure. */
import { CommanderError } from 'commander';
import { LockstepError, messageOf } from '../../daemon/sys/errors.ts';
import { ERRORS } from './explain-errors.ts';
import type { Json } from './json.ts';
import { type Paint, printable } from './text.ts';

/** The process's exit codes, as docs/cli.md lists them. */
export const EXIT = { refused: 1, usage: 2, repaired: 3, damaged: 4, interrupted: 130 } as const;

/** Wrong words on the command line, found by us rather than by the server. */
export class UsageError extends Error {
  readonly allowed: string;

  constructor(message: string, allowed: string) {
    super(message);
    this.name = 'UsageError';
    this.allowed = allowed;
  }
}

/** The person pressed Ctrl-C; `leaves` says what goes on without them. */
export class Interrupted extends Error {
  readonly leaves: string;

  constructor(leaves: string) {
    super('interrupted');
    this.name = 'Interrupted';
    this.leaves = leaves;
  }
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT.usage;
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof Interrupted) return EXIT.interrupted;
  return EXIT.refused;
}

export function renderError(error: unknown, server: string, paint: Paint): string {
  const { what, next } = explained(error, server);
  const lines = what.map((line) => `${paint('danger', 'error:')} ${printable(line)}`);
  return `${[...lines, ...next.map((line) => printable(line))].join('\n')}\n`;
}

export function errorJson(error: unknown, server: string): Json {
  const { what, next } = explained(error, server);
  const known = error instanceof LockstepError ? error : undefined;
  return {
    error: {
      code: known?.code ?? (exitCodeOf(error) === EXIT.usage ? 'USAGE' : 'INTERNAL'),
      reason: known?.reason ?? null,
      message: what.join('; '),
      next: next.join(' '),
      violations: (known?.violations ?? []).map(({ field, value, allowed }) => ({ field, value, allowed })),
      metadata: { ...known?.metadata },
    },
  };
}

interface Explained {
  readonly what: readonly string[];
  readonly next: readonly string[];
}

function explained(error: unknown, server: string): Explained {
  if (error instanceof UsageError) return { what: [error.message], next: [`allowed: ${error.allowed}`] };
  if (error instanceof Interrupted) return { what: [error.message], next: [error.leaves] };
  if (!(error instanceof LockstepError))
    return {
      what: [messageOf(error)],
      next: ['This should not happen: please report it with the command used.'],
    };
  const [violation, ...others] = error.violations;
  if (violation !== undefined && others.length === 0 && violation.value !== '')
    return {
      what: [`${violation.field} is ${JSON.stringify(violation.value)}`],
      next: [`allowed: ${violation.allowed}`],
    };
  return { what: [whatOf(error, server)], next: adviceFor(error) };
}

/** gRPC says "No connection established": a person wants to know to where. */
function whatOf(error: LockstepError, server: string): string {
  if (isSilence(error)) return `no control daemon answers at ${server} (${shortCause(error)})`;
  return error.message;
}

function adviceFor(error: LockstepError): readonly string[] {
  // Whoever made the error may know better than its code what comes next.
  const { next } = error.metadata;
  if (next !== undefined) return [next];
  if (isTlsTrouble(error))
    return [
      'Name the authority that signed its certificate with --tls-ca FILE (LOCKSTEP_TLS_CA), and the name that the certificate ' +
        'is for with --tls-server-name; where it wants one of you, --tls-certificate and --tls-key. A daemon without TLS ' +
        'wants none of them. See docs/cli.md#tls.',
    ];
  if (isSilence(error))
    return [
      'Start it (a quick start: npm run quickstart; its host: systemctl start lockstep-control), or name another control ' +
        'daemon with --server HOST:PORT or LOCKSTEP_SERVER.' +
        (isCutOff(error) ? ' Where it serves TLS alone, also name its authority: --tls-ca FILE.' : ''),
    ];
  const known = Object.hasOwn(ERRORS, error.reason) ? ERRORS[error.reason] : undefined;
  if (known !== undefined) return [known[2]];
  switch (error.code) {
    case 'NOT_FOUND':
      return ['See what there is: lockstep database list, lockstep operation list'];
    case 'ALREADY_EXISTS':
      return ['Choose another name, or see what has it: lockstep database list'];
    case 'ABORTED':
      return ['It changed meanwhile, or something else holds it: lockstep operation list'];
    case 'FAILED_PRECONDITION':
    case 'RESOURCE_EXHAUSTED':
    case 'UNAVAILABLE':
    case 'DEADLINE_EXCEEDED':
      return ['See what is not as it should be, and what to do: lockstep status'];
    case 'INTERNAL':
      return [
        "The log of the control daemon has the rest; the database's story: lockstep database events NAME",
      ];
    case 'INVALID_ARGUMENT':
      return ['See the options of a command: lockstep help database create'];
  }
}

/** Nobody answered: the error was made on this side, without the ErrorInfo that a server of ours always adds. */
function isSilence(error: LockstepError): boolean {
  const silent = error.code === 'UNAVAILABLE' || error.code === 'DEADLINE_EXCEEDED';
  return silent && error.reason === error.code;
}

const TLS_TROUBLE =
  /certificate|cert's list|wrong version number|SSL routines|ERR_SSL|tlsv1|alert number|socket disconnected before secure/i;

function isTlsTrouble(error: LockstepError): boolean {
  return (
    isSilence(error) &&
    (TLS_TROUBLE.test(error.message) || /ECONNRESET|Connection dropped/.test(error.message))
  );
}

/** As it looks where one of the two sides speaks TLS, and the other does not. */
function isCutOff({ message }: LockstepError): boolean {
  return /Failed to connect|ECONNRESET|Connection dropped|ECONNABORTED|EPIPE|Protocol error/.test(message);
}

function shortCause(error: LockstepError): string {
  const known = /\b(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|ENOTFOUND|ECONNRESET|EAI_AGAIN)\b/.exec(
    error.message,
  );
  const words: Readonly<Record<string, string>> = {
    ECONNRESET: 'the connection was cut off',
    ECONNREFUSED: 'connection refused: nothing listens there',
    EHOSTUNREACH: 'no route to that host',
    ENETUNREACH: 'no route to that network',
    ENOTFOUND: 'no such host name',
    EAI_AGAIN: 'the host name cannot be resolved now',
  };
  if (known?.[1] !== undefined) return words[known[1]] ?? known[1];
  if (isCutOff(error)) return 'the connection was cut off';
  return error.code === 'DEADLINE_EXCEEDED' ? 'no answer in time' : error.message;
}
