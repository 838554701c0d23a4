/**
 * The control store: the only place where a generation is raised, and where every record of control lives.
 * Level on one host is the first implementation; etcd fits behind the same interface.
 */

/** Anything JSON can hold; records are plain objects of their type in control/model/records.ts. */
export interface Entry<Value = unknown> {
  readonly key: string;
  readonly value: Value;
  /** Grows with every transaction of the store that wrote this key: the compare of compare-and-set. */
  readonly revision: number;
}

export type Condition =
  { readonly key: string; readonly revision: number } | { readonly key: string; readonly absent: true };

export type Mutation =
  { readonly key: string; readonly value: unknown } | { readonly key: string; readonly deleted: true };

export type TransactResult =
  { readonly ok: true; readonly revision: number } | { readonly ok: false; readonly conflict: string };

export interface ControlStore {
  /** Of the last transaction that wrote; 0 in a new store. */
  readonly revision: number;
  get<Value>(key: string): Promise<Entry<Value> | undefined>;
  /** In key order; `after` is exclusive. */
  list<Value>(
    prefix: string,
    options?: { readonly after?: string; readonly limit?: number; readonly reverse?: boolean },
  ): Promise<readonly Entry<Value>[]>;
  /** All or nothing, and on stable storage before it resolves. A condition that fails writes nothing. */
  transact(conditions: readonly Condition[], mutations: readonly Mutation[]): Promise<TransactResult>;
  /** Called after each transaction that wrote a key below the prefix, in order. Returns the way to stop. */
  watch(prefix: string, listener: (key: string) => void): () => void;
  close(): Promise<void>;
}
