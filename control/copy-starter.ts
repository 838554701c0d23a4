/** Starts the workflows that make a copy of a database on another host, and those that drop one. */
import type { DatabaseRecord, VolumeRecord } from './model/records.ts';
import type { Place } from './placement/choose.ts';
import { newId, type RequestIdentity, type Starter } from './starter.ts';
import type { Entry } from './store/store.ts';
import type { ConvertState } from './workflow/definitions/convert-redundancy.ts';
import type { NewCopyState } from './workflow/definitions/new-copy.ts';
import { workOn } from './workflow/definitions/steps.ts';
import type { StartResult } from './workflow/executor.ts';

export interface Held {
  readonly entry: Entry<DatabaseRecord>;
  readonly volume: Entry<VolumeRecord>;
}

/** `id`: of a workflow that another one starts, so that it finds it again. */
interface Cause {
  readonly why: string;
  readonly id?: string;
  readonly request?: RequestIdentity | undefined;
}

export class CopyStarter {
  readonly #starter: Starter;

  constructor(starter: Starter) {
    this.#starter = starter;
  }

  /** One copy to two. `copies`: that the record says were asked for when it is done. */
  convert(
    held: Held,
    wish: { readonly place: Place; readonly copies: number },
    cause: Cause,
  ): Promise<StartResult> {
    const id = cause.id ?? newId('convert', held.entry.value.id);
    const parts = { drops: [], areLost: false, place: wish.place, why: cause.why };
    const state: ConvertState = { ...stateOf(id, held, parts), copies: wish.copies };
    return this.#hold('convert-redundancy', id, held, state, cause);
  }

  /** Only the primary's copy stays. */
  toSingle(held: Held, cause: Cause): Promise<StartResult> {
    const id = cause.id ?? newId('convert', held.entry.value.id);
    const { primary, replicas } = held.volume.value;
    const drops = replicas.filter((host) => host !== primary);
    const parts = { drops, areLost: false, place: {}, why: cause.why };
    const state: ConvertState = { ...stateOf(id, held, parts), copies: 1 };
    return this.#hold('convert-to-single', id, held, state, cause);
  }

  /** What is more than was asked for. */
  dropSurplus(held: Held, drops: readonly string[], cause: Cause): Promise<StartResult> {
    const id = newId('surplus', held.entry.value.id);
    const parts = { drops, areLost: false, place: {}, why: cause.why };
    const { copies } = held.entry.value;
    return this.#hold('drop-surplus', id, held, { ...stateOf(id, held, parts), copies }, cause);
  }

  replace(
    held: Held,
    old: { readonly host: string; readonly isLost: boolean; readonly place?: Place },
    cause: Cause,
  ): Promise<StartResult> {
    const id = cause.id ?? newId('replace', held.entry.value.id);
    const parts = { drops: [old.host], areLost: old.isLost, place: old.place ?? {}, why: cause.why };
    return this.#hold('replace-replica', id, held, stateOf(id, held, parts), cause);
  }

  #hold(
    type: 'convert-redundancy' | 'convert-to-single' | 'drop-surplus' | 'replace-replica',
    id: string,
    { entry, volume }: Held,
    state: NewCopyState,
    { why: message, request }: Cause,
  ): Promise<StartResult> {
    const { generation } = volume.value;
    const isReplacement = type === 'replace-replica';
    const event = isReplacement
      ? ({ reason: 'REPLACE_STARTED', unlessAfter: 'REPLACE_FAILED' } as const)
      : ({ reason: 'CONVERT_STARTED', unlessAfter: 'CONVERT_FAILED' } as const);
    return this.#starter.hold(type, id, entry, state, {
      conditions: [{ key: volume.key, revision: volume.revision }],
      events: [{ ...event, message, generation }],
      request,
    });
  }
}

function stateOf(
  id: string,
  { entry, volume }: Held,
  parts: Pick<NewCopyState, 'drops' | 'areLost' | 'why'> & { readonly place: Place },
): NewCopyState {
  const { place, drops, areLost, why } = parts;
  return {
    ...workOn(id, entry.value),
    source: volume.value.primary,
    drops,
    areLost,
    before: volume.value.replicas,
    zone: place.zone ?? '',
    host: place.host ?? '',
    target: '',
    snapshot: '',
    why,
  };
}
