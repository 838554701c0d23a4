/**
 * The control store on level, for control on one host.
 *
 *   m/format     1
 *   m/revision   the revision of the last transaction that wrote
 *   r/{key}      {"revision": of the transaction that wrote it, "value": ...}
 *
 * A transaction is one synced batch that also carries the counter, so a revision is never given out twice, not even
 * after a crash or after the key that bore it was deleted. Transactions run one after the other: that is what makes
 * their conditions hold while they write.
 */
import { chmodSync, mkdirSync } from 'node:fs';
import { Level } from 'level';
import { assert, invalidField, LockstepError, messageOf } from '../../daemon/sys/errors.ts';
import type { Condition, ControlStore, Entry, Mutation, TransactResult } from './store.ts';

const FORMAT = '1';
const FORMAT_KEY = 'm/format';
const REVISION_KEY = 'm/revision';
const RECORDS = 'r/';
/** Transactions that wait for their turn; beyond it the disk does not keep up and callers are told so. */
export const MAX_WAITING_TRANSACTIONS = 1000;
/** Printable ASCII: the order of bytes is then the order of JavaScript's strings, and DEL is above every key. */
const KEY = /^[\x21-\x7e]{1,512}$/;
const PREFIX = /^[\x21-\x7e]{0,512}$/;
const ABOVE_EVERY_KEY = '\x7f';

/** Opens the store in a folder, which is made where it is missing. */
export async function openLevelStore(folder: string): Promise<ControlStore> {
  const level = new Level(folder, { keyEncoding: 'utf8', valueEncoding: 'utf8' });
  try {
    makePrivate(folder);
    await level.open();
  } catch (error) {
    throw openingError(folder, error);
  }
  try {
    return new LevelStore(level, await readRevision(level, folder));
  } catch (error) {
    await level.close();
    throw error;
  }
}

/** Records hold a generated password until it is claimed, and level's log keeps old ones for a while. */
function makePrivate(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
}

interface StoredRecord {
  readonly revision: number;
  readonly value: unknown;
}

interface Watcher {
  readonly prefix: string;
  readonly listener: (key: string) => void;
}

class LevelStore implements ControlStore {
  readonly #level: Level;
  readonly #watchers = new Set<Watcher>();
  #revision: number;
  #lastInLine: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  /** Why no transaction is taken any more. */
  #refusal: LockstepError | undefined;

  constructor(level: Level, revision: number) {
    this.#level = level;
    this.#revision = revision;
  }

  get revision(): number {
    return this.#revision;
  }

  async get<Value>(key: string): Promise<Entry<Value> | undefined> {
    checkKey(key);
    const stored = await this.#read(() => this.#level.get(RECORDS + key) as Promise<string | undefined>);
    return stored === undefined ? undefined : entryOf<Value>(key, stored);
  }

  async list<Value>(
    prefix: string,
    options: { readonly after?: string; readonly limit?: number; readonly reverse?: boolean } = {},
  ): Promise<readonly Entry<Value>[]> {
    const { after = '', limit = -1, reverse = false } = options;
    if (!PREFIX.test(prefix)) throw invalidField('prefix', prefix, 'up to 512 printable ASCII characters');
    if (!PREFIX.test(after)) throw invalidField('after', after, 'up to 512 printable ASCII characters');
    const range = rangeOf(prefix, after, reverse);
    const stored = await this.#read(() => this.#level.iterator({ ...range, reverse, limit }).all());
    return stored.map(([key, value]) => entryOf<Value>(key.slice(RECORDS.length), value));
  }

  async transact(conditions: readonly Condition[], mutations: readonly Mutation[]): Promise<TransactResult> {
    for (const { key } of [...conditions, ...mutations]) checkKey(key);
    assert(
      new Set(mutations.map(({ key }) => key)).size === mutations.length,
      'a transaction writes each of its keys once',
    );
    // Written out now: what the caller does to its objects while this waits in line is not part of it.
    const values = mutations.map((mutation) => ('deleted' in mutation ? undefined : jsonOf(mutation)));
    if (this.#waiting >= MAX_WAITING_TRANSACTIONS)
      throw new LockstepError(
        'RESOURCE_EXHAUSTED',
        `${this.#waiting} transactions wait for the control store; the limit is ${MAX_WAITING_TRANSACTIONS}`,
        { reason: 'CONTROL_STORE_BUSY' },
      );
    return this.#inTurn(async () => {
      const conflict = await this.#firstConflict(conditions);
      if (conflict !== undefined) return { ok: false, conflict };
      if (mutations.length > 0) await this.#write(mutations, values);
      return { ok: true, revision: this.#revision };
    });
  }

  watch(prefix: string, listener: (key: string) => void): () => void {
    const watcher = { prefix, listener };
    this.#watchers.add(watcher);
    return () => {
      this.#watchers.delete(watcher);
    };
  }

  async close(): Promise<void> {
    this.#refusal ??= closedError();
    this.#watchers.clear();
    await this.#lastInLine;
    await this.#level.close();
  }

  async #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#refusal !== undefined) throw this.#refusal;
    this.#waiting++;
    const before = this.#lastInLine;
    const turn = (async () => {
      await before;
      // An accepted transaction is still carried out when the store closes meanwhile, but not when a write failed.
      if (this.#refusal?.reason === 'CONTROL_STORE_BROKEN') throw this.#refusal;
      return work();
    })();
    this.#lastInLine = turn.then(
      () => undefined,
      () => undefined,
    );
    try {
      return await turn;
    } finally {
      this.#waiting--;
    }
  }

  async #firstConflict(conditions: readonly Condition[]): Promise<string | undefined> {
    for (const condition of conditions) {
      const { key } = condition;
      const revision = (await this.get(key))?.revision;
      if (revision !== ('absent' in condition ? undefined : condition.revision)) return key;
    }
    return undefined;
  }

  async #write(mutations: readonly Mutation[], values: readonly (string | undefined)[]): Promise<void> {
    const revision = this.#revision + 1;
    const batch = mutations.map(({ key }, index) => {
      const value = values[index];
      return value === undefined
        ? { type: 'del' as const, key: RECORDS + key }
        : { type: 'put' as const, key: RECORDS + key, value: `{"revision":${revision},"value":${value}}` };
    });
    try {
      await this.#level.batch([...batch, { type: 'put', key: REVISION_KEY, value: String(revision) }], {
        sync: true,
      });
    } catch (cause) {
      // Nobody knows whether the batch will be there after the next start, so nothing may be built on its absence.
      this.#refusal = new LockstepError(
        'UNAVAILABLE',
        `the control store could not write and takes no more until it is opened again: ${messageOf(cause)}`,
        { reason: 'CONTROL_STORE_BROKEN', cause },
      );
      throw this.#refusal;
    }
    this.#revision = revision;
    for (const { key } of mutations) this.#notify(key);
  }

  #notify(key: string): void {
    for (const { prefix, listener } of [...this.#watchers]) {
      if (!key.startsWith(prefix)) continue;
      try {
        listener(key);
      } catch (error) {
        // The transaction has happened and must be reported as such; the listener's bug still ends the process.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  async #read<Result>(read: () => Promise<Result>): Promise<Result> {
    try {
      return await read();
    } catch (cause) {
      if (hasCode(cause, 'LEVEL_DATABASE_NOT_OPEN')) throw closedError();
      throw new LockstepError('UNAVAILABLE', `the control store could not be read: ${messageOf(cause)}`, {
        reason: 'CONTROL_STORE_UNREADABLE',
        cause,
      });
    }
  }
}

async function readRevision(level: Level, folder: string): Promise<number> {
  const format = (await level.get(FORMAT_KEY)) as string | undefined;
  if (format === undefined) {
    const [anything] = await level.keys({ limit: 1 }).all();
    if (anything !== undefined) throw notOurs(folder, 'it has no format marker');
    await level.batch(
      [
        { type: 'put', key: FORMAT_KEY, value: FORMAT },
        { type: 'put', key: REVISION_KEY, value: '0' },
      ],
      { sync: true },
    );
    return 0;
  }
  if (format !== FORMAT) throw notOurs(folder, `its format is ${format}, this version reads ${FORMAT}`);
  const revision = Number(await level.get(REVISION_KEY));
  if (!Number.isSafeInteger(revision)) throw notOurs(folder, 'its revision counter is not a number');
  return revision;
}

/** `after` is where the last page ended: the next key below it when the order is reversed. */
function rangeOf(prefix: string, after: string, reverse: boolean) {
  const above = prefix + ABOVE_EVERY_KEY;
  if (reverse)
    return { gte: RECORDS + prefix, lt: RECORDS + (after === '' || after > above ? above : after) };
  return after >= prefix && after !== ''
    ? { gt: RECORDS + after, lt: RECORDS + above }
    : { gte: RECORDS + prefix, lt: RECORDS + above };
}

function entryOf<Value>(key: string, stored: string): Entry<Value> {
  const { revision, value } = JSON.parse(stored) as StoredRecord;
  assert(Number.isSafeInteger(revision), `the record ${key} carries a revision`);
  return { key, value: value as Value, revision };
}

function jsonOf(mutation: { readonly key: string; readonly value: unknown }): string {
  const json = JSON.stringify(mutation.value) as string | undefined;
  assert(json !== undefined, `the value of ${mutation.key} is JSON`);
  return json;
}

/** Keys may contain what a client sent, such as a request id, so this is an answer and no assertion. */
function checkKey(key: string): void {
  if (!KEY.test(key)) throw invalidField('key', key, '1 to 512 printable ASCII characters without spaces');
}

function openingError(folder: string, error: unknown): LockstepError {
  const cause: unknown = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (hasCode(cause, 'LEVEL_LOCKED'))
    return new LockstepError(
      'FAILED_PRECONDITION',
      `the state folder ${folder} is owned by a running daemon`,
      {
        reason: 'STATE_FOLDER_IN_USE',
        metadata: { folder },
        cause,
      },
    );
  return new LockstepError(
    'FAILED_PRECONDITION',
    `the state folder ${folder} cannot be opened: ${messageOf(cause)}`,
    {
      reason: 'STATE_FOLDER_UNUSABLE',
      metadata: { folder },
      cause,
    },
  );
}

function notOurs(folder: string, why: string): LockstepError {
  return new LockstepError(
    'FAILED_PRECONDITION',
    `${folder} is not a control store of this version: ${why}`,
    {
      reason: 'STATE_FOLDER_FORMAT',
      metadata: { folder },
    },
  );
}

function closedError(): LockstepError {
  return new LockstepError('UNAVAILABLE', 'the control store is closed', { reason: 'CONTROL_STORE_CLOSED' });
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
