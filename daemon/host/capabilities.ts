/** What the kernel lets this process do beyond other processes: capabilities(7), proc_pid_status(5). */
import { readFile } from 'node:fs/promises';

export const CAP_SYS_RESOURCE = 24;

/** In the effective set. In a user namespace of its own the kernel may refuse all the same. */
export async function hasCapability(number: number): Promise<boolean> {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(await readFile('/proc/self/status', 'utf8'))?.[1];
  return ((BigInt(`0x${effective ?? '0'}`) >> BigInt(number)) & 1n) === 1n;
}
