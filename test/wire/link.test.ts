import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import type { Message } from '../../daemon/replication/messages.ts';
import type { DecodedFrame } from '../../daemon/wire/codec.ts';
import { dial, Link } from '../../daemon/wire/link.ts';

const HOST = '127.0.0.1';
const MIB = 1024 * 1024;

const write = (sequence: number, length: number): Message => ({
  type: 'write',
  generation: 1,
  sequence,
  offset: 0,
  length,
  kind: 'data',
  stableSequence: 0,
});
const answer = (appliedSequence: number): Message => ({ type: 'write-answer', appliedSequence });
const sequenceOf = ({ message }: DecodedFrame): number =>
  message.type === 'write'
    ? message.sequence
    : message.type === 'write-answer'
      ? message.appliedSequence
      : -1;

/** What a link's owner hears. */
class Owner {
  readonly frames: DecodedFrame[] = [];
  readonly closed: string[] = [];
  chunks = 0;
  readonly #waiting: (() => void)[] = [];

  onFrame(frame: DecodedFrame): void {
    this.frames.push({ ...frame, payload: frame.payload?.slice() });
    this.#changed();
  }
  onChunkEnd(): void {
    this.chunks++;
  }
  onClose(reason: string): void {
    this.closed.push(reason);
    this.#changed();
  }
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
  #changed(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

interface Ends {
  readonly near: Link;
  readonly far: Socket;
}

/** A link that was dialled, and the bare socket at its other end. */
async function ends(t: Test): Promise<Ends> {
  const server: Server = createServer();
  const taken = once(server, 'connection') as Promise<[Socket]>;
  server.listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const near = await dial({ host: HOST, port, localAddress: HOST }, 1000);
  const [far] = await taken;
  t.teardown(() => {
    near.close();
    far.destroy();
    server.close();
  });
  return { near, far };
}

t.test('frames arrive in the order of sending, with their payloads', async (t) => {
  const { near, far } = await ends(t);
  const owner = new Owner();
  new Link(far).start(owner);
  near.start(new Owner());
  for (let sequence = 1; sequence <= 50; sequence++)
    near.send(write(sequence, sequence * 1000), Buffer.alloc(sequence * 1000, sequence));
  await owner.until(() => owner.frames.length === 50);
  t.strictSame(
    owner.frames.map(sequenceOf),
    Array.from({ length: 50 }, (_, at) => at + 1),
  );
  t.ok(owner.frames.every(({ payload, intact }, at) => intact && payload?.every((byte) => byte === at + 1)));
});

t.test('what was sent in one turn arrives together: one chunk ends after many frames', async (t) => {
  const { near, far } = await ends(t);
  const owner = new Owner();
  new Link(far).start(owner);
  for (let sequence = 1; sequence <= 20; sequence++) near.send(answer(sequence));
  await owner.until(() => owner.frames.length === 20);
  await new Promise(setImmediate);
  t.equal(owner.chunks, 1);
});

t.test('what was sent before a close still goes out; what comes after it is not heard', async (t) => {
  const { near, far } = await ends(t);
  const owner = new Owner();
  const nearOwner = new Owner();
  const other = new Link(far);
  other.start(owner);
  near.start(nearOwner);
  near.send(write(1, 4 * MIB), Buffer.alloc(4 * MIB, 7));
  near.send(answer(2));
  near.close();
  near.send(answer(3));
  other.send(answer(9));
  await owner.until(() => owner.closed.length > 0);
  t.strictSame(owner.frames.map(sequenceOf), [1, 2]);
  t.strictSame(nearOwner.frames, []);
  t.strictSame(nearOwner.closed, [], 'whoever closes a link knows it');
});

t.test('the loss of the other side is told once', async (t) => {
  const { near, far } = await ends(t);
  const owner = new Owner();
  near.start(owner);
  far.resetAndDestroy();
  await owner.until(() => owner.closed.length > 0);
  near.send(answer(1));
  await new Promise(setImmediate);
  t.equal(owner.closed.length, 1);
});

t.test('nothing is heard before the start, and nothing of it is lost', async (t) => {
  const { near, far } = await ends(t);
  const other = new Link(far);
  near.send(answer(1));
  await new Promise((resolve) => setTimeout(resolve, 20));
  const owner = new Owner();
  other.start(owner);
  await owner.until(() => owner.frames.length === 1);
  t.equal(owner.frames.length, 1);
});

t.test('a link is handed over between two frames of one chunk', async (t) => {
  const { near, far } = await ends(t);
  const second = new Owner();
  const link = new Link(far);
  const first: number[] = [];
  link.start({
    onFrame: (frame) => {
      first.push(sequenceOf(frame));
      link.handOver(second);
    },
    onChunkEnd: () => undefined,
    onClose: () => undefined,
  });
  near.send(answer(1));
  near.send(answer(2));
  near.send(answer(3));
  await second.until(() => second.frames.length === 2);
  t.strictSame(first, [1]);
  t.strictSame(second.frames.map(sequenceOf), [2, 3]);
});

t.test('a peer that talks nonsense is hung up on, with the reason', async (t) => {
  const { near, far } = await ends(t);
  const owner = new Owner();
  near.start(owner);
  far.write('GET / HTTP/1.1\r\n\r\n');
  await owner.until(() => owner.closed.length > 0);
  t.match(owner.closed, [/^refused: a header of \d+ bytes/]);
});

t.test('a peer that does not read is cut off before its frames fill the memory', async (t) => {
  const { near } = await ends(t);
  const owner = new Owner();
  near.start(owner);
  // One buffer for all: only the count of what waits matters.
  const payload = Buffer.alloc(8 * MIB);
  let sent = 0;
  while (owner.closed.length === 0 && sent < 100) near.send(write(++sent, payload.length), payload);
  t.strictSame(owner.closed, ['the peer does not read']);
  t.ok(sent > 16 && sent < 50, `after ${sent} frames of 8 MiB`);
});

t.test('a close does not wait for ever for a peer that does not read', async (t) => {
  const server = createServer();
  server.listen(0, HOST);
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, HOST);
  t.teardown(() => {
    socket.destroy();
    server.close();
  });
  const [far] = (await once(server, 'connection')) as [Socket];
  t.teardown(() => far.destroy());
  far.pause();
  const link = new Link(socket, { lingerMs: 50 });
  link.send(write(1, 32 * MIB), Buffer.alloc(32 * MIB));
  await new Promise(setImmediate);
  link.close();
  await once(socket, 'close');
  t.ok(socket.destroyed);
});

t.test('a dial that nobody answers fails', async (t) => {
  const server = createServer();
  server.listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await t.rejects(dial({ host: HOST, port, localAddress: HOST }, 1000), { code: 'ECONNREFUSED' });
});
