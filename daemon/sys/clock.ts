/** Time as the product needs it. Passed in, so that pure parts and tests never read a real clock. */
import koffi from 'koffi';

export interface Clock {
  /**
   * Milliseconds of CLOCK_BOOTTIME (clock_gettime(2)): never set back, and it goes on while the machine sleeps, so a
   * lease cannot outlive a suspend.
   */
  nowMs(): number;
}

const CLOCK_BOOTTIME = 7;
const libc = koffi.load('libc.so.6');
const timespec = koffi.struct('timespec', { seconds: 'int64', nanoseconds: 'int64' });
const clockGettime = libc.func('clock_gettime', 'int', ['int', koffi.out(koffi.pointer(timespec))]);

export const bootClock: Clock = {
  nowMs(): number {
    const now = {} as { seconds: number; nanoseconds: number };
    clockGettime(CLOCK_BOOTTIME, now);
    return now.seconds * 1000 + now.nanoseconds / 1e6;
  },
};
