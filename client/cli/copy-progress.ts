/** How far a copy is: on a terminal one line that rewrites itself, else a line for every tenth. */

export interface ProgressStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const TENTH = 10;
const WHOLE = 100;

export class CopyProgress {
  readonly #stream: ProgressStream;
  readonly #title: string;
  #shown = -1;

  constructor(stream: ProgressStream, title: string) {
    this.#stream = stream;
    this.#title = title;
    if (stream.isTTY !== true) stream.write(`${title}\n`);
    this.update(0);
  }

  update(percent: number): void {
    const isLive = this.#stream.isTTY === true;
    const whole = Math.floor(Math.min(percent, WHOLE));
    const step = isLive ? whole : whole - (whole % TENTH);
    if (step <= this.#shown) return;
    this.#shown = step;
    if (isLive) this.#stream.write(`\r${this.#title} ${String(step)} %`);
    else if (step > 0) this.#stream.write(`  ${String(step)} %\n`);
  }

  end(): void {
    if (this.#stream.isTTY === true) this.#stream.write('\n');
  }
}
