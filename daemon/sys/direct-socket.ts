/** Sockets whose bytes are read straight into a ReceiveBuffer, past the stream and its buffer for each read. */
import { Socket, type SocketConstructorOpts } from 'node:net';
import { duplicate, setSendBuffer } from './libc.ts';
import type { ReceiveBuffer } from './receive-buffer.ts';

/**
 * Of a Unix socket, whose usual 208 KiB do not hold two answers of 128 KiB, and which says that there is room only once
 * three quarters of it are read. The kernel makes it twice as much. TCP finds its own.
 */
const UNIX_SEND_BYTES = 512 * 1024;

/** For a socket that is going to connect. */
export function directSocket(into: ReceiveBuffer): Socket {
  return new Socket(readingInto(into));
}

/**
 * In place of one that was accepted and not read yet (`pauseOnConnect`), which ends; what was set on its descriptor
 * stays. Undefined where it has none of its own: it is then read as a stream. Not read before `resume`.
 */
export function adoptDirectly(
  accepted: Socket,
  into: ReceiveBuffer,
  { allowHalfOpen }: { readonly allowHalfOpen: boolean },
): Socket | undefined {
  const fd = descriptorOf(accepted);
  const copy = fd === undefined ? undefined : duplicate(fd);
  if (copy === undefined) return undefined;
  if (accepted.remoteFamily === undefined) setSendBuffer(copy, UNIX_SEND_BYTES);
  const socket = new Socket({
    ...readingInto(into),
    fd: copy,
    allowHalfOpen,
    readable: true,
    writable: true,
  });
  socket.pause();
  accepted.destroy();
  return socket;
}

/** Node has no public name for it. Undefined where it is another kind of stream. */
export function descriptorOf(socket: Socket): number | undefined {
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly fd?: number } | null };
  return handle?.fd !== undefined && handle.fd >= 0 ? handle.fd : undefined;
}

function readingInto(into: ReceiveBuffer): SocketConstructorOpts {
  return {
    onread: {
      buffer: () => into.space(),
      callback: (bytes) => {
        into.received(bytes);
        return true;
      },
    },
  };
}
