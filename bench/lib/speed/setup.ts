/** Something that serves a disk, to be measured beside others. */
import type { Target } from './fio.ts';

export interface Served {
  readonly target: Target;
  /** What it stops with it: processes, files. */
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Of its own, empty. */
  readonly folder: string;
  readonly sizeBytes: number;
  /** As taskset(1) takes them; for each process of it. */
  readonly cpus: string;
}

export interface Setup {
  readonly name: string;
  readonly title: string;
  /** 0: nothing serves it, it is the floor below all others. */
  readonly copies: 0 | 1 | 2;
  /** Undefined: it is not installed here. */
  version(): Promise<string | undefined>;
  start(options: StartOptions): Promise<Served>;
}
