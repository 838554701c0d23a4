import type { LayeredVolume } from './layered-volume.ts';

/** Rejects with what went wrong. */
export function flushed(volume: LayeredVolume): Promise<void> {
  return new Promise((resolve, reject) => {
    volume.flush((error) => {
      if (error === undefined) resolve();
      else reject(error);
    }, 'store');
  });
}
