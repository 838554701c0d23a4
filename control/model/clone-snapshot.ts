/** The snapshot that a clone of a running database is taken from, and that is dropped again. Pure. */
const SUFFIX_CHARACTERS = 8;

/** Known before it is taken, so that whoever looks for what a step has left finds it: the end of the workflow's name. */
export const cloneSnapshotOf = (workflow: string): string => `clone-${workflow.slice(-SUFFIX_CHARACTERS)}`;

/** A person may give such a name, too. */
export const isCloneSnapshot = (snapshot: string): boolean => /^clone-[\da-f]{8}$/.test(snapshot);
