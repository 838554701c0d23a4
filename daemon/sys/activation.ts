/**
 * Sockets that the service manager opened and passes on, as sd_listen_fds(3) defines it: LISTEN_FDS of them from
 * descriptor 3 on, meant for the process LISTEN_PID, with the names LISTEN_FDNAMES. A daemon that restarts does so behind
 * them: clients that come meanwhile wait instead of being refused.
 */

const FIRST_DESCRIPTOR = 3;
/** What systemd calls a socket that was given no name, in a list of names that is missing. */
const NO_NAME = 'unknown';
const MOST_SOCKETS = 64;

export interface PassedSocket {
  readonly fd: number;
  /** FileDescriptorName= of the socket unit. */
  readonly name: string;
}

/** What the environment says, without a look at the descriptors. None where it was meant for another process. */
export function passedSockets(
  environment: Readonly<Record<string, string | undefined>>,
  pid: number,
): readonly PassedSocket[] {
  const { LISTEN_PID: listenPid, LISTEN_FDS: listenFds, LISTEN_FDNAMES: listenNames } = environment;
  const count = Number(listenFds ?? 0);
  if (listenPid !== String(pid) || !Number.isInteger(count) || count < 1 || count > MOST_SOCKETS) return [];
  const names = listenNames?.split(':') ?? [];
  return Array.from({ length: count }, (_, index) => ({
    fd: FIRST_DESCRIPTOR + index,
    name: names[index] ?? NO_NAME,
  }));
}

/**
 * Once in a process: what names them does not go on to the processes that it starts. Node has seen to it at its start
 * that the descriptors do not.
 */
export function takePassedSockets(): readonly PassedSocket[] {
  const sockets = passedSockets(process.env, process.pid);
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES'])
    Reflect.deleteProperty(process.env, name);
  return sockets;
}
