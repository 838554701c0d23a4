/** A CPU profile as V8 writes it (`--cpu-prof`): cut to the time that matters, and who had how much of it. PURE. */

export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** Microseconds of the monotonic clock. */
  readonly startTime: number;
  readonly endTime: number;
  /** Ids of nodes: where it was. */
  readonly samples: readonly number[];
  /** Microseconds between a sample and the one before. */
  readonly timeDeltas: readonly number[];
}

export interface ProfileNode {
  readonly id: number;
  readonly callFrame: CallFrame;
  readonly children?: readonly number[] | undefined;
}

export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  /** From 0. */
  readonly lineNumber: number;
}

export interface SelfTime {
  readonly frame: CallFrame;
  readonly us: number;
}

/** Nothing of ours ran: asleep in the kernel, or in it and in native code that V8 knows nothing of. */
const OUTSIDE = new Set(['(idle)', '(program)']);

const PACKAGES = '/node_modules/';

export function isOutside({ callFrame }: ProfileNode): boolean {
  return OUTSIDE.has(callFrame.functionName);
}

/** Only what was between two instants of the same clock, in microseconds. */
export function clipped(profile: CpuProfile, fromUs: number, toUs: number): CpuProfile {
  const samples: number[] = [];
  const timeDeltas: number[] = [];
  let atUs = profile.startTime;
  for (const [index, sample] of profile.samples.entries()) {
    const deltaUs = profile.timeDeltas[index] ?? 0;
    atUs += deltaUs;
    if (atUs < fromUs || atUs > toUs) continue;
    samples.push(sample);
    timeDeltas.push(samples.length === 1 ? Math.min(deltaUs, atUs - fromUs) : deltaUs);
  }
  return { ...profile, startTime: fromUs, endTime: toUs, samples, timeDeltas };
}

/** Microseconds by a node's id, of itself alone. A sample counts for the time since the one before. */
export function selfUsById({ samples, timeDeltas }: CpuProfile): ReadonlyMap<number, number> {
  const byId = new Map<number, number>();
  for (const [index, sample] of samples.entries())
    byId.set(sample, (byId.get(sample) ?? 0) + (timeDeltas[index] ?? 0));
  return byId;
}

/** All functions by the time that they had themselves, the most first; without what was outside. */
export function selfTimes(profile: CpuProfile): readonly SelfTime[] {
  const usById = selfUsById(profile);
  const byFrame = new Map<string, SelfTime>();
  for (const node of profile.nodes) {
    if (isOutside(node)) continue;
    const { callFrame: frame, id } = node;
    const key = `${frame.functionName}\n${frame.url}\n${String(frame.lineNumber)}`;
    const us = (byFrame.get(key)?.us ?? 0) + (usById.get(id) ?? 0);
    byFrame.set(key, { frame, us });
  }
  return [...byFrame.values()].filter(({ us }) => us > 0).toSorted((a, b) => b.us - a.us);
}

/** Of the time that was clipped to, what was neither idle nor outside, from 0 to 1. */
export function busyShare(profile: CpuProfile): number {
  const busyUs = selfTimes(profile).reduce((sum, { us }) => sum + us, 0);
  return busyUs / (profile.endTime - profile.startTime);
}

export function nameOf({ functionName }: CallFrame): string {
  return functionName === '' ? '(anonymous)' : functionName;
}

/** `root`: the folder that the names of our own files begin behind. Empty for what has no source. */
export function placeOf({ url, lineNumber }: CallFrame, root: string): string {
  if (url === '') return '';
  const prefix = `file://${root}/`;
  // Packages may stand elsewhere, behind a link.
  const inPackage = url.lastIndexOf(PACKAGES);
  const path = url.startsWith(prefix)
    ? url.slice(prefix.length)
    : url.slice(inPackage === -1 ? 0 : inPackage + 1);
  return `${path}:${String(lineNumber + 1)}`;
}
