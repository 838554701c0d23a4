/** Virtual time: what is due is done in order of time, and of asking where the times are equal. */

interface Due {
  readonly atMs: number;
  readonly order: number;
  readonly act: () => void;
}

export class Scheduler {
  nowMs = 0;
  #lastOrder = 0;
  /** A binary heap, the earliest first. */
  readonly #heap: Due[] = [];

  after(ms: number, act: () => void): void {
    this.at(this.nowMs + Math.max(0, ms), act);
  }

  at(atMs: number, act: () => void): void {
    this.#push({ atMs, order: ++this.#lastOrder, act });
  }

  /** Every `ms` until `act` answers false. */
  every(ms: number, act: () => boolean): void {
    const turn = (): void => {
      if (act()) this.after(ms, turn);
    };
    this.after(ms, turn);
  }

  /** Answers false when nothing is due before `endMs`; time then stands at it. */
  step(endMs: number): boolean {
    const next = this.#heap[0];
    if (next === undefined || next.atMs > endMs) {
      this.nowMs = endMs;
      return false;
    }
    this.#pop();
    this.nowMs = next.atMs;
    next.act();
    return true;
  }

  #push(due: Due): void {
    const heap = this.#heap;
    let at = heap.push(due) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isEarlier(above, due)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = due;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const left = heap[child];
      if (left === undefined) break;
      const right = heap[child + 1];
      let least = left;
      if (right !== undefined && isEarlier(right, left)) {
        least = right;
        child++;
      }
      if (isEarlier(last, least)) break;
      heap[at] = least;
      at = child;
    }
    heap[at] = last;
  }
}

function isEarlier(a: Due, b: Due): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
