import { once } from 'node:events';
import { connect } from 'node:http2';
import { Client, credentials, type Server, ServerCredentials } from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import { invalidField, LockstepError } from '../../daemon/sys/errors.ts';
import { ApiServer, MAX_CONCURRENT_STREAMS, MAX_REQUEST_BYTES } from '../../daemon/sys/grpc-server.ts';
import { type CallContext, callUnary, methodOf, unary } from '../../daemon/sys/grpc-unary.ts';
import { CoordinatorServiceService, ProposeViewRequest } from '../../proto/gen/lockstep/agent/v1/agent.ts';
import {
  DatabaseServiceService,
  type GetDatabaseRequest,
} from '../../proto/gen/lockstep/v1/database_service.ts';
import { callByDescriptor, callRaw, publicMethods } from '../support/api-calls.ts';
import { quietLog } from '../support/quiet-log.ts';

const [getDatabase] = publicMethods().filter(({ name }) => name === 'GetDatabase');
if (getDatabase === undefined) throw new Error('the API has no GetDatabase');
const method = getDatabase;

type Handler = (request: GetDatabaseRequest, context: CallContext) => Promise<never>;

async function serve(t: Test, handler: Handler): Promise<{ readonly client: Client; readonly port: number }> {
  const server: Server = new ApiServer();
  server.addService(DatabaseServiceService, { getDatabase: unary(quietLog, handler) });
  server.addService(CoordinatorServiceService, {
    proposeView: unary(quietLog, () => {
      throw new LockstepError('NOT_FOUND', 'no such replica');
    }),
  });
  const { promise, resolve } = Promise.withResolvers<number>();
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_error, port) => resolve(port));
  const port = await promise;
  const client = new Client(`127.0.0.1:${String(port)}`, credentials.createInsecure());
  t.teardown(() => {
    client.close();
    server.forceShutdown();
  });
  return { client, port };
}

const refuse =
  (error: LockstepError): Handler =>
  () =>
    Promise.reject(error);

t.test('a request beyond the limit is refused, and the next one is answered', async (t) => {
  const { client } = await serve(t, refuse(new LockstepError('NOT_FOUND', 'none')));
  const long = await callByDescriptor(client, method, { name: 'x'.repeat(MAX_REQUEST_BYTES) });
  t.match(long, { code: 8, message: /larger than max/ });
  t.match(await callByDescriptor(client, method, { name: 'x' }), { code: 5 });
});

t.test('a connection is told how many calls it may have in progress', async (t) => {
  const { port } = await serve(t, refuse(new LockstepError('NOT_FOUND', 'none')));
  const session = connect(`http://127.0.0.1:${String(port)}`);
  t.teardown(() => session.destroy());
  await once(session, 'remoteSettings');
  t.equal(session.remoteSettings.maxConcurrentStreams, MAX_CONCURRENT_STREAMS);
});

t.test('bytes that are no request are the caller’s mistake', async (t) => {
  const { client } = await serve(t, refuse(new LockstepError('NOT_FOUND', 'none')));
  const outcome = await callRaw(client, method, Buffer.from([0x0a, 0x7f, 0x41]));
  t.match(outcome, { code: 3, info: { reason: 'UNREADABLE_REQUEST', metadata: { next: /reflection/ } } });
});

t.test('a refusal says what to do next, by its kind where its maker does not', async (t) => {
  const cases: readonly [error: LockstepError, next: RegExp | undefined][] = [
    [new LockstepError('NOT_FOUND', 'none', { metadata: { subject: 'databases/x' } }), /ListDatabases/],
    [
      new LockstepError('NOT_FOUND', 'none', { metadata: { subject: 'volumes/x/snapshots/y' } }),
      /ListSnapshots/,
    ],
    [new LockstepError('UNAVAILABLE', 'silent'), /again in a moment/],
    [new LockstepError('ABORTED', 'held', { metadata: { next: 'Wait.' } }), /^Wait\.$/],
    [invalidField('name', 'x', 'databases/{database}'), undefined],
  ];
  for (const [error, next] of cases) {
    const { client } = await serve(t, refuse(error));
    const { info, violations } = await callByDescriptor(client, method, { name: 'x' });
    if (next === undefined)
      t.match([info?.metadata, violations], [{}, [{ field: 'name', description: /allowed/ }]]);
    else t.match(info?.metadata['next'], next);
  }
});

t.test('a method that a service lacks is refused with details too', async (t) => {
  const { client } = await serve(t, refuse(new LockstepError('NOT_FOUND', 'none')));
  const [other] = publicMethods().filter(({ name }) => name === 'ListDatabases');
  if (other === undefined) throw new Error('the API has no ListDatabases');
  t.match(await callByDescriptor(client, other, {}), {
    code: 12,
    info: { reason: 'UNIMPLEMENTED', domain: 'lockstep', metadata: { next: /reflection/ } },
  });
});

t.test('what hosts and control tell each other gets no advice for people', async (t) => {
  const { client } = await serve(t, refuse(new LockstepError('NOT_FOUND', 'none')));
  const propose = methodOf(client, CoordinatorServiceService.proposeView);
  const call = callUnary(propose, ProposeViewRequest.fromPartial({}), { deadlineMs: 5000 });
  const error = await call.catch((caught: unknown) => caught as LockstepError);
  t.match(error, { code: 'NOT_FOUND', metadata: {} });
  t.notOk((error as LockstepError).metadata['next']);
});

t.test('resources that are not there, or there already, are named by type and name', async (t) => {
  for (const code of ['NOT_FOUND', 'ALREADY_EXISTS'] as const) {
    const { client } = await serve(
      t,
      refuse(new LockstepError(code, 'so', { metadata: { subject: 'hosts/a' } })),
    );
    t.match(await callByDescriptor(client, method, {}), {
      resource: { resourceType: 'lockstep.v1.Host', resourceName: 'hosts/a', description: 'so' },
    });
  }
});

t.test(
  'however much is in a refusal, its headers are what every client takes, and its reason is there',
  async (t) => {
    const many = Array.from({ length: 500 }, (_, index) => ({
      field: `tags.${'é'.repeat(500)}${String(index)}`,
      value: '\u0000'.repeat(5000),
      allowed: '漢'.repeat(3000),
    }));
    const metadata = Object.fromEntries(many.map(({ value }, index) => [`fact${String(index)}`, value]));
    const details = { reason: 'INVALID_FIELD', violations: many, metadata };
    for (const letter of ['x', ' ', 'é', '漢', '\u0000', '\u{1F600}']) {
      const { client } = await serve(
        t,
        refuse(new LockstepError('INVALID_ARGUMENT', letter.repeat(100_000), details)),
      );
      const { headerBytes, info, violations } = await callByDescriptor(client, method, {});
      t.ok(headerBytes < 8192, `${String(headerBytes)} bytes`);
      t.equal(info?.reason, 'INVALID_FIELD');
      t.ok(violations.length > 0);
    }
  },
);

t.test('a handler learns that the deadline has passed, or that its caller is gone', async (t) => {
  for (const how of ['deadline', 'cancel'] as const) {
    const heard = Promise.withResolvers<unknown>();
    const begun = Promise.withResolvers<undefined>();
    const { client } = await serve(t, (_request, { signal }) => {
      begun.resolve(undefined);
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          heard.resolve(signal.reason);
          reject(new LockstepError('ABORTED', 'given up'));
        });
      });
    });
    const aborter = new AbortController();
    const deadlineMs = how === 'deadline' ? 100 : 10_000;
    const call = callUnary(
      methodOf(client, DatabaseServiceService.getDatabase),
      { name: '' },
      { deadlineMs, signal: aborter.signal },
    );
    const ended = call.catch((error: unknown) => error);
    await begun.promise;
    if (how === 'cancel') aborter.abort();
    t.match(await ended, { code: how === 'deadline' ? 'DEADLINE_EXCEEDED' : 'ABORTED' });
    t.match(await heard.promise, { message: /hung up, or its deadline/ });
  }
});
