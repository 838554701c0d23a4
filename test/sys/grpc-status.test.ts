import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import { invalidField, LockstepError } from '../../daemon/sys/errors.ts';
import { errorOfService, statusReply } from '../../daemon/sys/grpc-status.ts';
import { callUnary, methodOf, unary } from '../../daemon/sys/grpc-unary.ts';
import { PreconditionFailure } from '../../proto/gen/google/rpc/error_details.ts';
import { Status } from '../../proto/gen/google/rpc/status.ts';
import { CoordinatorServiceService, ProposeViewRequest } from '../../proto/gen/lockstep/agent/v1/agent.ts';
import { quietLog } from '../support/quiet-log.ts';

/** A server whose every heartbeat fails with this, and what a client sees of it. */
async function overTheWire(t: Test, error: unknown): Promise<LockstepError> {
  const server = new Server();
  const fail = unary(quietLog, () => {
    throw error;
  });
  server.addService(CoordinatorServiceService, { heartbeat: fail, proposeView: fail });
  const { promise, resolve } = Promise.withResolvers<number>();
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_error, port) => resolve(port));
  const client = new Client(`127.0.0.1:${String(await promise)}`, credentials.createInsecure());
  t.teardown(() => {
    client.close();
    server.forceShutdown();
  });
  const method = methodOf(client, CoordinatorServiceService.proposeView);
  const request = ProposeViewRequest.fromPartial({});
  try {
    await callUnary(method, request, { deadlineMs: 5000 });
  } catch (caught) {
    if (caught instanceof LockstepError) return caught;
    throw caught;
  }
  throw new Error('it did not fail');
}

t.test('a refusal crosses the wire whole', async (t) => {
  const sent = new LockstepError('ABORTED', 'something holds it', {
    reason: 'BUSY',
    metadata: { operation: 'operations/1' },
  });
  const got = await overTheWire(t, sent);
  t.match(got, {
    code: 'ABORTED',
    message: 'something holds it',
    reason: 'BUSY',
    metadata: { operation: 'operations/1' },
  });
});

t.test('field, value and what is allowed cross the wire', async (t) => {
  const got = await overTheWire(t, invalidField('size_bytes', 'a "quoted" \\ value', 'one; allowed: or two'));
  t.same(got.violations, [
    { field: 'size_bytes', value: 'a "quoted" \\ value', allowed: 'one; allowed: or two' },
  ]);
});

t.test('a client learns nothing of our insides', async (t) => {
  const got = await overTheWire(t, new TypeError('secret path /etc/x'));
  t.equal(got.code, 'INTERNAL');
  t.notMatch(got.message, /secret/);
});

t.test('a message with the log of an engine is shortened, not lost', async (t) => {
  const got = await overTheWire(
    t,
    new LockstepError('UNAVAILABLE', `begin\n${'x'.repeat(100_000)}\nend: no space é`),
  );
  t.match(got.message, /^begin/);
  t.match(got.message, /end: no space é$/);
});

t.test(
  'a message that is cut inside a pair of surrogates, or came with half of one, is still sent',
  async (t) => {
    for (const hostile of [`x${'\u{1F600}'.repeat(2000)}`, 'half \uD83D of one', '\uDE00'.repeat(3000)]) {
      const got = await overTheWire(t, new LockstepError('INVALID_ARGUMENT', hostile));
      t.equal(got.code, 'INVALID_ARGUMENT');
    }
  },
);

t.test('a failed precondition carries the detail of its kind', async (t) => {
  const reply = statusReply(
    new LockstepError('FAILED_PRECONDITION', 'not now', {
      reason: 'NOT_YET',
      metadata: { subject: 'databases/x' },
    }),
  );
  const trailer = reply.metadata.get('grpc-status-details-bin')[0];
  const { details } = Status.decode(trailer as Buffer);
  const detail = details.find((one) => one.typeUrl.endsWith('PreconditionFailure'));
  t.match(PreconditionFailure.decode(detail?.value ?? new Uint8Array()), {
    violations: [{ type: 'NOT_YET', subject: 'databases/x', description: 'not now' }],
  });
});

t.test('an error of other software keeps its code and text', async (t) => {
  const foreign = (code: status, details: string, trailer?: Buffer): ServiceError => {
    const metadata = new Metadata();
    if (trailer !== undefined) metadata.set('grpc-status-details-bin', trailer);
    return Object.assign(new Error('14 UNAVAILABLE'), { code, details, metadata });
  };
  t.match(errorOfService(foreign(status.UNAVAILABLE, 'refused')), {
    code: 'UNAVAILABLE',
    message: 'refused',
  });
  t.match(errorOfService(foreign(status.CANCELLED, 'hung up')), { code: 'ABORTED' });
  t.match(errorOfService(foreign(status.NOT_FOUND, 'gone', Buffer.from([0xff, 0xff]))), {
    code: 'NOT_FOUND',
    message: 'gone',
  });
});

t.test('a call that was given up says why', async (t) => {
  const client = new Client('127.0.0.1:1', credentials.createInsecure());
  t.teardown(() => client.close());
  const aborter = new AbortController();
  aborter.abort(new LockstepError('UNAVAILABLE', 'the host fell silent', { reason: 'HOST_SILENT' }));
  const method = methodOf(client, CoordinatorServiceService.heartbeat);
  const call = callUnary(method, {} as never, { deadlineMs: 1000, signal: aborter.signal });
  await t.rejects(call, { code: 'UNAVAILABLE', message: /fell silent/ });
});
