/**
 * Reads that wait for the disk, in threads of the pool: in half of them at most, so that a flush is never behind a queue
 * of reads. Files take turns: a volume that is read cold at depth keeps no other one waiting for long.
 */
import { threadPoolSize } from '../sys/thread-pool.ts';

type Begin = (ended: () => void) => void;

export class PoolReads {
  readonly #atOnce: number;
  #underWay = 0;
  /** In the order of their turns. */
  readonly #waiting = new Map<object, Begin[]>();

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /** `begin` is called when there is a thread for it, and calls `ended`. The clients' bounds on requests bound those that wait. */
  begin(file: object, begin: Begin): void {
    const queue = this.#waiting.get(file);
    if (queue === undefined) this.#waiting.set(file, [begin]);
    else queue.push(begin);
    this.#next();
  }

  #next(): void {
    while (this.#underWay < this.#atOnce) {
      const [turn] = this.#waiting;
      if (turn === undefined) return;
      const [file, queue] = turn;
      const begin = queue.shift();
      this.#waiting.delete(file);
      if (queue.length > 0) this.#waiting.set(file, queue);
      if (begin === undefined) continue;
      this.#underWay++;
      begin(() => {
        this.#underWay--;
        this.#next();
      });
    }
  }
}

export const poolReads = new PoolReads(Math.max(1, Math.floor(threadPoolSize() / 2)));
