/**
 * What a process was asked and promised, line by line in a file, written before it goes on: the file has it all when the
 * process was killed, but for a last line that was not finished.
 */
import { openSync, readFileSync, writeSync } from 'node:fs';
import type { ModelEvent } from './model.ts';

export class EventLog {
  readonly #fd: number;

  constructor(path: string) {
    this.#fd = openSync(path, 'a');
  }

  write(event: ModelEvent): void {
    writeSync(this.#fd, `${JSON.stringify(toLine(event))}\n`);
  }
}

/** Bytes in base64; JSON leaves out those of zeroes, which are undefined. */
function toLine(event: ModelEvent): object {
  if (event.type !== 'write-begins' || event.write.data === undefined) return event;
  const data = Buffer.from(event.write.data).toString('base64');
  return { ...event, write: { ...event.write, data } };
}

export function readEvents(path: string): ModelEvent[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines
    .slice(0, -1)
    .map(
      (line) =>
        JSON.parse(line, (key, value: unknown) =>
          key === 'data' && typeof value === 'string' ? Buffer.from(value, 'base64') : value,
        ) as ModelEvent,
    );
}
