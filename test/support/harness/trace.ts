/** Events and effects as lines of text, for stories and for the tail that a failing seed leaves. */
import type { Effect, MapChange, ReplicaEvent, Tracked } from '../../../daemon/replication/interface.ts';
import type { Message } from '../../../daemon/replication/messages.ts';
import { stampsOf } from './payload.ts';

export interface TraceSink {
  note(nowMs: number, line: string): void;
  event(nowMs: number, host: string, event: ReplicaEvent): void;
  effect(nowMs: number, host: string, effect: Effect): void;
}

export const noTrace: TraceSink = {
  note: () => undefined,
  event: () => undefined,
  effect: () => undefined,
};

export interface TraceOptions {
  /** Ticks, heartbeats and batch ends, of which there are many. */
  readonly isVerbose: boolean;
  /** The oldest lines go. */
  readonly maxLines: number;
}

export class Trace implements TraceSink {
  lines: string[] = [];
  readonly #options: TraceOptions;
  /** Heartbeats repeat what control told. */
  readonly #told = new Map<string, string>();

  constructor(options: TraceOptions) {
    this.#options = options;
  }

  note(nowMs: number, line: string): void {
    this.#add(nowMs, line);
  }

  event(nowMs: number, host: string, event: ReplicaEvent): void {
    const text = describeEvent(event);
    if (event.type === 'view' && !this.#options.isVerbose) {
      if (this.#told.get(host) === text) return;
      this.#told.set(host, text);
    }
    if (text !== '' && (this.#options.isVerbose || !isRoutine(event))) this.#add(nowMs, `${host} < ${text}`);
  }

  effect(nowMs: number, host: string, effect: Effect): void {
    if (this.#options.isVerbose || !isRoutine(effect))
      this.#add(nowMs, `${host} >   ${describeEffect(effect)}`);
  }

  #add(nowMs: number, line: string): void {
    this.lines.push(`${nowMs.toFixed(1).padStart(8)} ${line}`);
    if (this.lines.length > 2 * this.#options.maxLines)
      this.lines = this.lines.slice(-this.#options.maxLines);
  }
}

function isRoutine(item: ReplicaEvent | Effect): boolean {
  return (
    (item.type === 'frame' || item.type === 'send') &&
    (item.message.type === 'heartbeat' || item.message.type === 'heartbeat-answer')
  );
}

export function describeEvent(event: ReplicaEvent): string {
  switch (event.type) {
    case 'tick':
    case 'batch-end':
      return '';
    case 'frame':
      return `frame on ${event.link}: ${describeMessage(event.message, event.payload)}`;
    case 'client':
      return `client ${event.id}: ${event.request.kind}${rangeOf(event.request)}`;
    case 'read-done':
    case 'region-done':
      return `${event.type} ${event.token}${event.failure ?? ''} ${event.data === undefined ? 'zeroes' : stampText(event.data)}`;
    case 'region-verified':
      return `region-verified ${event.token} ${event.soundness}`;
    case 'disk-done':
      return `disk-done ${event.token} ${event.failure ?? ''}`.trimEnd();
    case 'view':
      return `view ${viewText(event.view)}${event.explicit ? ', explicit' : ''}`;
    case 'force':
      return `force ${viewText(event.view)}`;
    default:
      return describeRest(event);
  }
}

export function describeEffect(effect: Effect): string {
  switch (effect.type) {
    case 'send':
      return `send on ${effect.link}: ${describeMessage(effect.message, effect.payload)}`;
    case 'disk-write':
      return `disk-write ${effect.token}: ${effect.kind}${rangeOf(effect)}`;
    case 'disk-read':
      return `disk-read ${effect.token}:${rangeOf(effect)}`;
    case 'reply':
      return `reply ${effect.id}: ${effect.result.ok ? `ok ${effect.result.data === undefined ? '' : stampText(effect.result.data)}`.trimEnd() : effect.result.failure}`;
    case 'persist': {
      const { view, complete, candidateFor, asking, mixed, copyFrom, tracked } = effect.durable;
      const flags = [
        complete ? 'complete' : '',
        candidateFor === 0 ? '' : `candidate for ${candidateFor}`,
        asking === '' ? '' : `asking for ${asking}`,
        mixed ? 'mixed' : '',
        copyFrom.host === '' ? '' : `copy from ${copyFrom.host} of g${copyFrom.generation}`,
        ...tracked.map(trackedText),
        ...effect.maps.map(mapText),
      ];
      return [`persist ${effect.token}: ${viewText(view)}`, ...flags.filter((flag) => flag !== '')].join(
        ', ',
      );
    }
    case 'mismatch':
      return describeRest({ type: 'mismatch', ...effect.finding });
    case 'state-changed':
      return `${effect.from} -> ${effect.to}: ${effect.why}`;
    default:
      return describeRest(effect);
  }
}

function describeMessage(message: Message, payload: Uint8Array | undefined): string {
  const { type, ...rest } = message;
  const shown: Record<string, unknown> = { ...rest };
  delete shown['digest'];
  delete shown['volume'];
  delete shown['sizeBytes'];
  delete shown['wireVersion'];
  delete shown['oldestVersion'];
  const text = message.type === 'hello-answer' ? bitText : stampText;
  const data = payload === undefined ? '' : ` ${text(payload)}`;
  return `${type}${factsOf(shown)}${data}`;
}

function describeRest(item: { readonly type: string }): string {
  const { type, ...rest } = item;
  return `${type}${factsOf(rest)}`;
}

function factsOf(facts: Readonly<Record<string, unknown>>): string {
  return Object.entries(facts)
    .map(([name, value]) => ` ${name}=${Array.isArray(value) ? value.join(',') : String(value)}`)
    .join('');
}

const viewText = (view: { generation: number; primary: string; inSync: readonly string[] }): string =>
  `g${view.generation} primary ${view.primary || 'none'} in sync ${view.inSync.join(' ') || 'none'}`;

const trackedText = ({ host, since, until, covers }: Tracked): string =>
  `tracks ${host} g${since}..${until}${covers ? ' whole' : ''}`;

const mapText = ({ host, anew, chunks }: MapChange): string =>
  `map of ${host}${anew ? ' anew' : ''}${chunks.map(({ at, bits }) => ` ${at}:${bitText(bits)}`).join('')}`;

/** The places of the bits that are set. */
function bitText(bits: Uint8Array): string {
  const places = [...bits].flatMap((byte, at) =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => (byte & (1 << bit)) !== 0).map((bit) => 8 * at + bit),
  );
  return `{${places.join(' ')}}`;
}

function rangeOf(request: object): string {
  if (!('offset' in request)) return '';
  const length = 'length' in request ? request.length : 'data' in request ? lengthOf(request.data) : 0;
  const data = 'data' in request && request.data instanceof Uint8Array ? ` ${stampText(request.data)}` : '';
  const fua = 'fua' in request && request.fua === true ? ' fua' : '';
  return ` ${String(Number(request.offset) / 512)}+${String(Number(length) / 512)}${fua}${data}`;
}

const lengthOf = (data: unknown): number => (data instanceof Uint8Array ? data.length : 0);

/** Runs of the same stamp, as many as fit a line. */
function stampText(data: Uint8Array): string {
  const runs: { stamp: number; count: number }[] = [];
  for (const stamp of stampsOf(data)) {
    const last = runs.at(-1);
    if (last?.stamp === stamp) last.count++;
    else runs.push({ stamp, count: 1 });
  }
  const shown = runs.slice(0, 8).map(({ stamp, count }) => (count === 1 ? `${stamp}` : `${stamp}x${count}`));
  return `[${shown.join(' ')}${runs.length > 8 ? ' ...' : ''}]`;
}
