/** What starting, stopping and rebooting have in common: one host, which is the primary as long as it lasts. */
import type { Step, StepContext } from '../workflow.ts';
import { HostActions } from './host-actions.ts';
import { attachAndMount, type DatabaseWork, pointAlias, requirePrimary } from './steps.ts';
import { patiently, type Surroundings } from './surroundings.ts';
import { requireHeard } from './while-heard.ts';

export type PowerState = DatabaseWork & { readonly primary: string } & Readonly<Record<string, unknown>>;

type Act<State> = (hosts: HostActions, state: State, signal: AbortSignal) => Promise<Partial<State> | void>;

/** As long as it lasts a failover waits: a host that fell silent is not tried again. */
const ATTEMPTS = 3;
/** Unmounting and detaching wait for the I/O of the device. */
export const DEVICE_MS = 3 * 60_000;
/** A clean stop writes a checkpoint; a start recovers. */
export const ENGINE_MS = 6 * 60_000;

export function powerStep<State extends PowerState>(
  around: Surroundings,
  parts: Pick<Step<State>, 'name' | 'title' | 'deadlineMs'> & {
    /** Default: always. Else there is nothing to do, and nothing to undo. */
    readonly when?: (state: State) => boolean;
    readonly act: Act<State>;
    readonly undo?: Act<State>;
  },
): Step<State> {
  const { name, title, deadlineMs, when = () => true, act, undo } = parts;
  const actions = (context: StepContext<State>): HostActions =>
    new HostActions(around, context, context.state.volume);
  return {
    name,
    title,
    deadlineMs,
    attempts: ATTEMPTS,
    backoffMs: around.pace.backoffMs,
    async do(context) {
      const { volume, primary } = context.state;
      if (!when(context.state)) return;
      await requirePrimary(around, volume, primary);
      await requireHeard(around, primary, context.signal);
      return act(actions(context), context.state, context.signal);
    },
    ...(undo === undefined
      ? {}
      : {
          async undo(context) {
            if (!when(context.state)) return;
            await patiently(around, context.signal, () =>
              undo(actions(context), context.state, context.signal),
            );
          },
        }),
  };
}

/** What a stop that came to nothing owes. On a host that is gone there is nothing to bring up: a failover follows. */
export async function bringUp(around: Surroundings, hosts: HostActions, state: PowerState): Promise<void> {
  if (around.hosts.isGone(state.primary)) return;
  await attachAndMount(hosts, state.primary, state);
  await hosts.startEngine(state.primary, state);
  await pointAlias(around, state, state.primary);
}

/** The name goes on answering, without an address. */
export async function withdrawAlias(around: Surroundings, database: string): Promise<void> {
  await around.repository.updateDatabase(database, (record) =>
    record.aliasHost === '' ? undefined : { ...record, aliasHost: '' },
  );
}
