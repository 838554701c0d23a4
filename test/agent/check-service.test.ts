/** Checks over a real server with real volumes. */
import { credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import { rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { checkService } from '../../daemon/agent/check-service.ts';
import { REGION_BYTES } from '../../daemon/replication/units.ts';
import { callUnary } from '../../daemon/sys/grpc-unary.ts';
import { VolumeChecks } from '../../daemon/volume/volume-checks.ts';
import {
  type CheckReplicaResponse,
  CheckServiceClient,
  CheckServiceService,
} from '../../proto/gen/lockstep/agent/v1/check.ts';
import { openVolumes, soloVolume } from '../support/open-volumes.ts';
import { quietLog } from '../support/quiet-log.ts';

interface Checked {
  readonly layers: string;
  readonly ask: (volume: string, start: boolean) => Promise<CheckReplicaResponse>;
  /** Begins one and waits for its end. */
  readonly check: () => Promise<CheckReplicaResponse>;
}

/** `v` has a snapshot of two regions below its head, with their checksums. */
async function checked(t: Test): Promise<Checked> {
  const { volumes, folder } = await openVolumes(t);
  await soloVolume(volumes);
  const { file } = volumes.require('v');
  file.write(0, Buffer.alloc(2 * REGION_BYTES, 1));
  await volumes.store.snapshot('v', 's', { quiesced: false, purpose: 'kept' });
  while (await volumes.store.step());
  const checks = new VolumeChecks({ store: () => volumes.store, log: quietLog });
  t.teardown(() => checks.close());
  const server = new Server();
  server.addService(CheckServiceService, checkService(checks, quietLog));
  const port = await new Promise<number>((resolve) => {
    server.bindAsync('127.0.0.100:0', ServerCredentials.createInsecure(), (_error, bound) => {
      resolve(bound);
    });
  });
  const client = new CheckServiceClient(`127.0.0.100:${String(port)}`, credentials.createInsecure());
  t.teardown(() => {
    client.close();
    server.forceShutdown();
  });
  const ask = (volume: string, start: boolean): Promise<CheckReplicaResponse> =>
    callUnary(client.checkReplica.bind(client), { volume, start }, { deadlineMs: 5000 });
  const check = async (): Promise<CheckReplicaResponse> => {
    let answer = await ask('v', true);
    while (answer.running) answer = await ask('v', false);
    return answer;
  };
  return { layers: join(folder, 'layers'), ask, check };
}

t.test('a sound volume is read to its end, and nothing is found', async (t) => {
  const { check } = await checked(t);
  t.strictSame(await check(), {
    running: false,
    readBytes: BigInt(2 * REGION_BYTES),
    findings: [],
    error: '',
  });
});

t.test('what was found is told in bytes of the volume, and a second check finds what is left', async (t) => {
  const { check, layers } = await checked(t);
  rmSync(join(layers, 'v.1.sums'));
  truncateSync(join(layers, 'v.1.data'), REGION_BYTES);
  const found = await check();
  t.match(
    found.findings.map(({ repaired, layer, offset, length }) => ({ repaired, layer, offset, length })),
    [
      { repaired: false, layer: 'v.1', offset: BigInt(REGION_BYTES), length: BigInt(15 * REGION_BYTES) },
      { repaired: true, layer: 'v.1', offset: 0n, length: 0n },
    ],
  );
  t.strictSame(
    (await check()).findings.map(({ repaired }) => repaired),
    [false],
  );
});

t.test('a volume that is not here, and one that was not checked, are refused', async (t) => {
  const { ask } = await checked(t);
  await t.rejects(ask('w', true), { code: 'NOT_FOUND' });
  await t.rejects(ask('v', false), { code: 'NOT_FOUND', reason: 'NOT_CHECKED' });
});
