/** What the screens are made of. Everything here is pure: whether there is colour is the caller's to say. */
import { styleText } from 'node:util';
import Table from 'cli-table3';

export type Style = 'good' | 'busy' | 'warning' | 'danger' | 'heading' | 'faint';
export type Paint = (style: Style, text: string) => string;

const COLOURS = {
  good: ['green', 'bold'],
  busy: ['cyan', 'bold'],
  warning: ['yellow', 'bold'],
  danger: ['red', 'bold'],
  heading: ['bold'],
  faint: ['dim'],
} as const;

export const plain: Paint = (_style, text) => text;

/** Colour where the stream is a terminal that wants it: NO_COLOR and its like are looked at by styleText itself. */
export function paintFor(stream: NodeJS.WriteStream): Paint {
  if (!stream.isTTY) return plain;
  return (style, text) => styleText([...COLOURS[style]], text, { stream });
}

const NOTHING = '';
const BORDERLESS = {
  top: NOTHING,
  'top-mid': NOTHING,
  'top-left': NOTHING,
  'top-right': NOTHING,
  bottom: NOTHING,
  'bottom-mid': NOTHING,
  'bottom-left': NOTHING,
  'bottom-right': NOTHING,
  left: NOTHING,
  'left-mid': NOTHING,
  mid: NOTHING,
  'mid-mid': NOTHING,
  right: NOTHING,
  'right-mid': NOTHING,
  middle: '  ',
};

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/** Lines without a frame: what a person reads and what `awk` can take apart. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  paint: Paint,
): readonly string[] {
  const made = new Table({
    head: columns.map((column) => paint('faint', column.title)),
    colAligns: columns.map((column) => column.align ?? 'left'),
    chars: BORDERLESS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  made.push(...rows.map((row) => [...row]));
  return made
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

const MS_PER_SECOND = 1000;
const SECONDS_PER_MINUTE = 60;
const SECONDS_PER_HOUR = 3600;

export function formatDuration(milliseconds: number): string {
  if (milliseconds < MS_PER_SECOND) return `${String(Math.round(milliseconds))} ms`;
  const seconds = milliseconds / MS_PER_SECOND;
  if (seconds < SECONDS_PER_MINUTE) return `${seconds.toFixed(1)} s`;
  if (seconds < SECONDS_PER_HOUR)
    return `${String(Math.floor(seconds / SECONDS_PER_MINUTE))} min ${String(Math.floor(seconds % SECONDS_PER_MINUTE))} s`;
  const minutes = Math.floor((seconds % SECONDS_PER_HOUR) / SECONDS_PER_MINUTE);
  return `${String(Math.floor(seconds / SECONDS_PER_HOUR))} h ${String(minutes)} min`;
}

export function formatTime(time: Date | undefined): string {
  return time === undefined ? '-' : `${time.toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

/** Breaks at spaces; a word that is longer than the width stands alone. */
export function wrapped(text: string, width: number, indent: string): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && indent.length + longer.length > width) {
      lines.push(indent + line);
      line = word;
    } else line = longer;
  }
  if (line !== '') lines.push(indent + line);
  return lines;
}

/** `A`, `A and B`, `A, B and C`. */
export function listed(items: readonly string[]): string {
  if (items.length <= 1) return items.join('');
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1) ?? ''}`;
}

/** `1 database`, `2 databases`. */
export function counted(count: number, noun: string): string {
  return `${String(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/**
 * What came over the network goes to a terminal: control characters, which could move the cursor or worse, are shown
 * as what they are.
 */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

/** A heading, and a line for each fact that there is. */
export function factSheet(
  heading: string,
  facts: readonly (readonly [string, string])[],
  paint: Paint,
): string {
  const shown = facts.filter(([, value]) => value !== '');
  const width = Math.max(...shown.map(([key]) => key.length));
  const lines = shown.map(([key, value]) => `  ${paint('faint', key.padEnd(width))}  ${value}`);
  return `${paint('heading', printable(heading))}\n${lines.join('\n')}\n`;
}

/** `a=1, b=2` */
export function pairs(entries: Readonly<Record<string, string>>): string {
  return printable(
    Object.entries(entries)
      .map(([key, value]) => `${key}=${value}`)
      .join(', '),
  );
}
