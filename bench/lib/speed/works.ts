/** The works that a disk is measured by, as fio's jobs, and what is asked of their ratios. */

export type Unit = 'IOPS' | 'MB/s';

export interface Work {
  readonly name: string;
  readonly title: string;
  readonly readWrite: 'randwrite' | 'randread' | 'write' | 'read';
  readonly blockBytes: number;
  /** Of each connection. */
  readonly depth: number;
  readonly connections: number;
  /** A flush behind each write. */
  readonly fsync: boolean;
  readonly unit: Unit;
  /**
   * An idle virtual processor takes longer to wake than a request: spinners of idle priority keep them awake. Not where a
   * disk is waited for: on a virtual machine they take the time of the thread that is its disk (3 ms a flush in place of
   * 0.2).
   */
  readonly needsSpinners: boolean;
  /** What two copies reach of the best of the peers with two copies; undefined: it is only measured. */
  readonly aimTwoCopies: number | undefined;
  /** What one copy reaches of the best of the peers with one. */
  readonly aimOneCopy: number | undefined;
  /** What two copies reach of nbdkit's one. */
  readonly aimAcross: number | undefined;
}

const base = {
  blockBytes: 4096,
  depth: 16,
  connections: 1,
  fsync: false,
  unit: 'IOPS',
  needsSpinners: false,
  aimTwoCopies: undefined,
  aimOneCopy: undefined,
  aimAcross: undefined,
} as const;

const LARGE = { blockBytes: 128 * 1024, depth: 8, unit: 'MB/s' } as const;

export const works: readonly Work[] = [
  {
    ...base,
    name: 'write4k-qd1',
    title: '4k random write, depth 1',
    readWrite: 'randwrite',
    depth: 1,
    needsSpinners: true,
    aimTwoCopies: 1.2,
    aimOneCopy: 0.9,
  },
  {
    ...base,
    name: 'write4k-qd16',
    title: '4k random write, depth 16',
    readWrite: 'randwrite',
    aimTwoCopies: 2,
    aimOneCopy: 1.3,
    aimAcross: 0.7,
  },
  {
    ...base,
    name: 'write4k-qd64',
    title: '4k random write, depth 64 over 4 connections',
    readWrite: 'randwrite',
    connections: 4,
    aimTwoCopies: 2.5,
  },
  {
    ...base,
    name: 'read4k-qd1',
    title: '4k random read, depth 1',
    readWrite: 'randread',
    depth: 1,
    needsSpinners: true,
    aimOneCopy: 0.9,
  },
  {
    ...base,
    name: 'read4k-qd16',
    title: '4k random read, depth 16',
    readWrite: 'randread',
    aimTwoCopies: 3,
    aimOneCopy: 1.3,
  },
  {
    ...base,
    ...LARGE,
    name: 'write128k-qd8',
    title: '128k write, depth 8',
    readWrite: 'write',
    aimTwoCopies: 1.5,
    aimOneCopy: 1,
  },
  {
    ...base,
    ...LARGE,
    name: 'read128k-qd8',
    title: '128k read, depth 8',
    readWrite: 'read',
    aimTwoCopies: 1.5,
    aimOneCopy: 1,
  },
  {
    ...base,
    name: 'fsync4k-qd1',
    title: '4k random write, fsync each, depth 1',
    readWrite: 'randwrite',
    depth: 1,
    fsync: true,
    aimTwoCopies: 1.2,
    aimOneCopy: 1,
  },
  {
    ...base,
    name: 'fsync4k-qd16',
    title: '4k random write, fsync each, depth 16',
    readWrite: 'randwrite',
    fsync: true,
    aimTwoCopies: 4,
    aimOneCopy: 1,
  },
];

/** By their names. Throws where one is none. */
export function chosenWorks(only: readonly string[]): readonly Work[] {
  const unknown = only.find((name) => !works.some((work) => work.name === name));
  if (unknown !== undefined)
    throw new Error(`--only is ${unknown}; allowed: ${works.map(({ name }) => name).join(', ')}`);
  return only.length === 0 ? works : works.filter(({ name }) => only.includes(name));
}
