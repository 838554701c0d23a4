/** The control harness with hosts that keep snapshots, and the database `orders` in it. */
import type { Test } from 'tap';
import type { MethodEntry } from '../../daemon/sys/grpc-unary.ts';
import type { Operation } from '../../proto/gen/google/longrunning/operations.ts';
import type { ControlOptions } from '../../control/control.ts';
import { ControlHarness } from './control-harness.ts';
import type { SnapshotDouble } from './snapshot-double.ts';

export interface Retained {
  readonly harness: ControlHarness;
  /** Of host-a, which is the primary of `orders`, and of host-b. */
  readonly a: SnapshotDouble;
  readonly b: SnapshotDouble;
  /** Answers the operation once it is done, with an error or without. */
  readonly done: <Request>(
    method: MethodEntry<Request, Operation>,
    request: Partial<Request>,
  ) => Promise<Operation>;
  /** Replicas, devices, mounts and engines that run, of both hosts, but of these volumes. */
  readonly leftovers: (but?: readonly string[]) => readonly string[];
}

export async function openRetention(
  t: Test,
  extra: Partial<ControlOptions> = {},
  options: { readonly graceHours?: number } = {},
): Promise<Retained> {
  const harness = await ControlHarness.open(t, { hosts: false, ...options });
  if (Object.keys(extra).length > 0) {
    await harness.stopControl();
    await harness.startControl(extra);
  }
  await Promise.all([harness.a.start(), harness.b.start()]);
  await harness.hostsHeard();
  await harness.createOrders();
  return {
    harness,
    a: harness.snapshotsOfA,
    b: harness.snapshotsOfB,
    done: async (method, request) => harness.finished(await harness.call(method, request)),
    leftovers: (but = []) =>
      [harness.a, harness.b].flatMap((host) =>
        host
          .leftovers()
          .filter((one) => !but.some((volume) => one.endsWith(` ${volume}`)))
          .map((one) => `${host.host}: ${one}`),
      ),
  };
}
