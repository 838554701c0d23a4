/** Start, stop, reboot. */
import { unary } from '../../daemon/sys/grpc-unary.ts';
import type { Log } from '../../daemon/sys/log.ts';
import type { Operation } from '../../proto/gen/google/longrunning/operations.ts';
import type {
  DatabaseServiceServer,
  RebootDatabaseRequest,
  StartDatabaseRequest,
  StopDatabaseRequest,
} from '../../proto/gen/lockstep/v1/database_service.ts';
import {
  changeDatabase,
  type ChangeOptions,
  checkHasEngine,
  checkLifecycle,
  checkHeard,
} from './database-change.ts';
import { decideOn } from './database-failover.ts';

export type PowerHandlers = Pick<DatabaseServiceServer, 'startDatabase' | 'stopDatabase' | 'rebootDatabase'>;

export function powerHandlers(options: ChangeOptions & { readonly log: Log }): PowerHandlers {
  const { log } = options;
  return {
    startDatabase: unary(log, (request: StartDatabaseRequest) => start(options, request)),
    stopDatabase: unary(log, (request: StopDatabaseRequest) => stop(options, request)),
    rebootDatabase: unary(log, (request: RebootDatabaseRequest) => reboot(options, request)),
  };
}

/** Not refused where the primary is silent: an in-sync secondary is then made the primary by the start itself. */
function start(options: ChangeOptions, request: StartDatabaseRequest): Promise<Operation> {
  return changeDatabase(options, 'start', request, (entry) => {
    checkHasEngine(entry.value);
    checkLifecycle(entry.value, ['stopped']);
    const also = { lifecycle: 'starting' } as const;
    return {
      would: also,
      begin: (identity) =>
        options.starter.work('start-database', entry, { primary: '' }, { ...also, request: identity }),
    };
  });
}

function stop(options: ChangeOptions, request: StopDatabaseRequest): Promise<Operation> {
  return changeDatabase(options, 'stop', request, async (entry) => {
    checkHasEngine(entry.value);
    checkLifecycle(entry.value, ['active']);
    const primary = await heardPrimary(options, entry.value);
    const also = { lifecycle: 'stopping' } as const;
    return {
      would: also,
      begin: (identity) =>
        options.starter.work('stop-database', entry, { primary }, { ...also, request: identity }),
    };
  });
}

function reboot(options: ChangeOptions, request: RebootDatabaseRequest): Promise<Operation> {
  return changeDatabase(options, 'reboot', request, async (entry) => {
    checkHasEngine(entry.value);
    checkLifecycle(entry.value, ['active']);
    if (request.withSwitchover) {
      const decision = await decideOn(options, entry, 'switchover');
      const volume = await options.repository.requireVolume(entry.value.volume);
      return {
        would: {},
        begin: (identity) => options.starter.failover(entry, volume, decision, identity),
      };
    }
    const primary = await heardPrimary(options, entry.value);
    return {
      would: {},
      begin: (identity) => options.starter.work('reboot-database', entry, { primary }, { request: identity }),
    };
  });
}

async function heardPrimary(
  { repository, hosts }: ChangeOptions,
  { id, volume }: { readonly id: string; readonly volume: string },
): Promise<string> {
  const { primary } = (await repository.requireVolume(volume)).value;
  checkHeard(hosts, id, primary);
  return primary;
}
