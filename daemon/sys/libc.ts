/** System calls that Node does not offer, through koffi; about 1.5 us a call. */
import koffi from 'koffi';
import { LockstepError } from './errors.ts';

const libc = koffi.load('libc.so.6');
const fallocateCall = libc.func('fallocate', 'int', ['int', 'int', 'int64', 'int64']);
const lseekCall = libc.func('lseek', 'int64', ['int', 'int64', 'int']);

/** fallocate(2): as if the range were never written; the file keeps its size. */
export const PUNCH_HOLE = 0x03;
/** fallocate(2): zeroes that keep their space; the file keeps its size. */
export const ZERO_RANGE = 0x11;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
/** lseek(2): there is no data behind the offset. */
const ENXIO = 6;

/** Answers 0 or the errno. */
export function fallocate(
  fd: number,
  mode: number,
  range: { readonly offset: number; readonly length: number },
): number {
  const result = fallocateCall(fd, mode, range.offset, range.length) as number;
  return result === 0 ? 0 : koffi.errno();
}

/** Whether any byte of the range may be other than zero: false for a hole, or a part of one. */
export function holdsData(fd: number, range: { readonly offset: number; readonly length: number }): boolean {
  const start = Number(lseekCall(fd, range.offset, SEEK_DATA));
  return start >= 0 ? start < range.offset + range.length : koffi.errno() !== ENXIO;
}

/** The extents of a file that hold data, from an offset on, as lseek(2) with SEEK_DATA and SEEK_HOLE tells them. */
export function* dataExtents(
  fd: number,
  sizeBytes: number,
  from = 0,
): Generator<{ start: number; end: number }> {
  let at = from;
  while (at < sizeBytes) {
    const start = seek(fd, at, SEEK_DATA);
    if (start === undefined) return;
    const end = seek(fd, start, SEEK_HOLE) ?? sizeBytes;
    yield { start, end: Math.min(end, sizeBytes) };
    at = end;
  }
}

/** Undefined: there is none behind. Any other failure is thrown: taken for a hole, data would be left out of a copy. */
function seek(fd: number, at: number, whence: number): number | undefined {
  const found = Number(lseekCall(fd, at, whence));
  if (found >= 0) return found;
  const errno = koffi.errno();
  if (errno === ENXIO) return undefined;
  throw new LockstepError('INTERNAL', `lseek for the extents of a volume: errno ${String(errno)}`, {
    reason: 'EXTENTS_UNREADABLE',
  });
}
