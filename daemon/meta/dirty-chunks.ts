/**
 * The chunks of the dirty maps in level: which there are, and the changes that bring about others.
 *
 *   key                             value
 *   dirty/<volume>/<host>/<chunk>   512 bytes: a bit for each of the chunk's 4096 regions, the first in bit 0 of byte 0
 *
 * Neither a volume nor a host has a "/" in its name, so the maps of one are the keys between two. A chunk stands in
 * ten digits, for the order of the keys to be that of the chunks. A chunk without a bit has no key.
 */
import type { MapChange, MapChunk } from '../replication/interface.ts';
import { CHUNK_REGIONS, type HostName } from '../replication/units.ts';
import { assert } from '../sys/errors.ts';
import type { Change, MetaDb } from './group-commit.ts';

const PREFIX = 'dirty/';
const CHUNK_DIGITS = 10;
const CHUNK_BYTES = CHUNK_REGIONS / 8;
/** As level gives and takes it, past the JSON of the other keys. */
const BYTES = { valueEncoding: 'view' } as const;

export class DirtyChunks {
  readonly #db: MetaDb;
  /** Keys that there are, by volume and host; so that a map can be forgotten in the batch that begins it anew. */
  readonly #keys = new Map<string, Map<HostName, Set<string>>>();

  constructor(db: MetaDb) {
    this.#db = db;
  }

  /** Of all volumes. To be called once, before `changes`. */
  async load(): Promise<void> {
    for (const key of await this.#db.keys(rangeOf(PREFIX)).all()) {
      const { volume, host } = placeOf(key);
      this.#keysOf(volume, host).add(key);
    }
  }

  async read(volume: string): Promise<ReadonlyMap<HostName, readonly MapChunk[]>> {
    const maps = new Map<HostName, MapChunk[]>();
    const options = { ...rangeOf(`${PREFIX}${volume}/`), ...BYTES };
    for (const [key, bits] of await this.#db.iterator<string, Uint8Array>(options).all()) {
      const { host, at } = placeOf(key);
      assert(bits.length === CHUNK_BYTES, `${key} has ${String(bits.length)} bytes`);
      const chunks = maps.get(host) ?? [];
      maps.set(host, chunks);
      // Plain bytes: a slice of a Buffer, which level may give, would share them.
      chunks.push({ at, bits: new Uint8Array(bits) });
    }
    return maps;
  }

  /** What brings these changes about. They are to be written in the order in which this is called. */
  changes(volume: string, maps: readonly MapChange[]): Change[] {
    return maps.flatMap((map) => this.#changesOf(volume, map));
  }

  /** What forgets every map of a volume. */
  deletion(volume: string): Change[] {
    const hosts = this.#keys.get(volume);
    this.#keys.delete(volume);
    return [...(hosts?.values() ?? [])].flatMap((keys) => [...keys].map(deleted));
  }

  #changesOf(volume: string, { host, anew, chunks }: MapChange): Change[] {
    const keys = this.#keysOf(volume, host);
    const changes: Change[] = [];
    if (anew) {
      changes.push(...[...keys].map(deleted));
      keys.clear();
    }
    for (const { at, bits } of chunks) {
      assert(bits.length === CHUNK_BYTES, `a chunk of ${String(bits.length)} bytes for ${host}`);
      const key = `${PREFIX}${volume}/${host}/${String(at).padStart(CHUNK_DIGITS, '0')}`;
      if (bits.some((byte) => byte !== 0)) {
        // A copy: the caller may go on to change its bits before they are written.
        changes.push({ type: 'put', key, value: new Uint8Array(bits), ...BYTES });
        keys.add(key);
      } else if (keys.delete(key)) changes.push(deleted(key));
    }
    return changes;
  }

  #keysOf(volume: string, host: HostName): Set<string> {
    const hosts = this.#keys.get(volume) ?? new Map<HostName, Set<string>>();
    this.#keys.set(volume, hosts);
    const keys = hosts.get(host) ?? new Set();
    hosts.set(host, keys);
    return keys;
  }
}

function deleted(key: string): Change {
  return { type: 'del', key };
}

function rangeOf(prefix: string): { readonly gte: string; readonly lt: string } {
  return { gte: prefix, lt: `${prefix}\uffff` };
}

function placeOf(key: string): { readonly volume: string; readonly host: HostName; readonly at: number } {
  const [, volume, host, at, ...more] = key.split('/');
  assert(
    volume !== undefined && host !== undefined && at?.length === CHUNK_DIGITS && more.length === 0,
    `${key} names no chunk of a dirty map`,
  );
  return { volume, host, at: Number(at) };
}
