/**
 * DNS over one TCP connection (RFC 7766): each message behind its length in two bytes, several per connection. A client
 * that neither completes a query nor takes its answers within the idle time is let go, however it drips bytes.
 */
import type { Socket } from 'node:net';

export const TCP_IDLE_MS = 10_000;
/** Queries are a question and an OPT; what announces more is not one. */
export const MAX_TCP_QUERY_BYTES = 4096;
const LENGTH_BYTES = 2;

export interface TcpOptions {
  readonly idleMs: number;
  /** Undefined where silence is the answer. */
  readonly answer: (query: Buffer) => Buffer | undefined;
}

export function serveConnection(socket: Socket, options: TcpOptions): void {
  let pending: Buffer = Buffer.alloc(0);
  const idle = setTimeout(() => socket.destroy(), options.idleMs);
  socket.on('close', () => clearTimeout(idle));
  // Resets and the like end the connection, which is all there is to do about them.
  socket.on('error', () => socket.destroy());
  socket.on('drain', () => socket.resume());
  socket.on('data', (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    while (pending.length >= LENGTH_BYTES) {
      const length = pending.readUInt16BE(0);
      if (length > MAX_TCP_QUERY_BYTES) {
        socket.destroy();
        return;
      }
      if (pending.length < LENGTH_BYTES + length) break;
      const response = options.answer(pending.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
      pending = pending.subarray(LENGTH_BYTES + length);
      idle.refresh();
      if (response !== undefined && !socket.write(framed(response))) socket.pause();
    }
  });
}

function framed(message: Buffer): Buffer {
  const frame = Buffer.alloc(LENGTH_BYTES + message.length);
  frame.writeUInt16BE(message.length, 0);
  message.copy(frame, LENGTH_BYTES);
  return frame;
}
