/**
 * What a client at the alias waits, under pgbench, while packets of one way are gone, and while a person switches over:
 * the longest time between two acknowledged commits, and whether any of them is missing afterwards.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, credentials } from '@grpc/grpc-js';
import { callUnary, methodOf, requestOf } from '../../daemon/sys/grpc-unary.ts';
import {
  type Database,
  DatabaseServiceService as service,
} from '../../proto/gen/lockstep/v1/database_service.ts';
import { type Clients, phasesOf } from './failover-rounds.ts';
import type { HostNetwork, NetworkHost } from './host-network.ts';
import type { Installation } from './installation.ts';

export interface MoveRound {
  readonly what: string;
  readonly from: string;
  /** The primary afterwards. */
  readonly to: string;
  readonly pauseMs: number;
  /** As control measured them; none where the primary stayed. */
  readonly phases: Readonly<Record<string, number>>;
  readonly acknowledged: number;
  readonly lost: number;
  readonly doubled: number;
}

interface Way {
  readonly what: string;
  readonly cut: (network: HostNetwork, primary: NetworkHost, secondary: NetworkHost) => void;
}

const CONTROL = 'control';
const WAYS: readonly Way[] = [
  {
    what: 'primary to all others',
    cut: (network, primary, secondary) => {
      network.cut(primary, secondary);
      network.cut(primary, CONTROL);
    },
  },
  { what: 'primary to secondary', cut: (network, primary, secondary) => network.cut(primary, secondary) },
  {
    what: 'all others to primary',
    cut: (network, primary, secondary) => {
      network.cut(secondary, primary);
      network.cut(CONTROL, primary);
    },
  },
  { what: 'secondary to primary', cut: (network, primary, secondary) => network.cut(secondary, primary) },
  { what: 'primary to control', cut: (network, primary) => network.cut(primary, CONTROL) },
  { what: 'control to primary', cut: (network, primary) => network.cut(CONTROL, primary) },
];
/** As long as it takes to be no mere drop, after which another failover of the same minute would be damped. */
const CUT_MS = 12_000;
const BEFORE_MS = 2000;
const AFTER_MS = 1500;
const WHOLE_LIMIT_MS = 60_000;
const CALL_MS = 10_000;

/** `skip`: so many of the ways were measured before. */
export async function* partitionRounds(
  installation: Installation,
  id: string,
  options: { readonly clients: Clients; readonly rounds: number; readonly skip: number },
): AsyncGenerator<MoveRound> {
  const { clients, rounds, skip } = options;
  for (let round = skip; round < skip + rounds; round++) {
    const way = WAYS[round % WAYS.length];
    if (way === undefined) return;
    yield await oneRound(installation, id, {
      clients,
      what: way.what,
      kind: 'FAILED_OVER',
      move: async (primary) => {
        const other = primary === 'host-a' ? 'host-b' : 'host-a';
        way.cut(installation.network, primary, other);
        await sleep(CUT_MS);
        installation.network.healAll();
      },
    });
  }
}

export async function* switchoverRounds(
  installation: Installation,
  id: string,
  options: { readonly clients: Clients; readonly rounds: number },
): AsyncGenerator<MoveRound> {
  const { clients, rounds } = options;
  const client = new Client(installation.plan.server, credentials.createInsecure());
  try {
    for (let round = 0; round < rounds; round++)
      yield await oneRound(installation, id, {
        clients,
        what: 'switchover',
        kind: 'SWITCHED_OVER',
        move: async () => {
          const request = requestOf(service.switchoverDatabase, { name: `databases/${id}` });
          const method = methodOf(client, service.switchoverDatabase);
          const { name } = await callUnary(method, request, { deadlineMs: CALL_MS });
          await installation.client.operations.wait(name);
        },
      });
  } finally {
    client.close();
  }
}

async function oneRound(
  installation: Installation,
  id: string,
  round: {
    readonly clients: Clients;
    readonly what: string;
    readonly kind: string;
    readonly move: (primary: NetworkHost) => Promise<void>;
  },
): Promise<MoveRound> {
  const { ledger, load } = round.clients;
  const before = await installation.inSync(id, WHOLE_LIMIT_MS);
  const from = installation.primaryOf(before) as NetworkHost;
  ledger.start();
  if (before.endpoint !== undefined) load?.start(before.endpoint);
  let after: Database;
  let beganMs: number;
  try {
    await sleep(BEFORE_MS);
    beganMs = performance.now();
    await round.move(from);
    await sleep(AFTER_MS);
    // Where the primary stayed, the load went on: it is no part of what becomes in sync again.
    await load?.stop();
    after = await installation.inSync(id, WHOLE_LIMIT_MS);
  } finally {
    await load?.stop();
    await ledger.stop();
  }
  const to = installation.primaryOf(after);
  const { lost, doubled } = await ledger.check();
  return {
    what: round.what,
    from,
    to,
    pauseMs: longestPauseMs(
      beganMs,
      ledger.commits.map(({ atMs }) => atMs),
    ),
    phases: to === from ? {} : await phasesOf(installation, id, round.kind),
    acknowledged: ledger.commits.length,
    lost: lost.length,
    doubled: doubled.length,
  };
}

/** One commit before the begin counts: the pause may have begun with it. */
function longestPauseMs(fromMs: number, timesMs: readonly number[]): number {
  const first = timesMs.findIndex((atMs) => atMs > fromMs);
  const times = timesMs.slice(Math.max(0, first - 1));
  return Math.max(0, ...times.slice(1).map((atMs, index) => atMs - (times[index] ?? atMs)));
}
