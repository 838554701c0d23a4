/** Brings the bytes of an image into a volume, and compares the two. */
import type { LockstepError } from '../../daemon/sys/errors.ts';
import type { Image } from './image.ts';
import type { NbdTarget } from './nbd-target.ts';
import { complaintOf, failure, type QemuResult, type QemuRun, runQemu } from './qemu-img.ts';

const DIFFERS = 1;

/**
 * A new volume reads as zeroes, so none are written: holes stay holes. The flush is a step of its own since `convert`
 * ends well whatever becomes of the flush at its end (`-t writeback`; by default it makes none).
 */
export async function copyImage(image: Image, target: NbdTarget, run: QemuRun): Promise<void> {
  const { fileName, objects } = target;
  const into = ['-n', '-W', '-t', 'writeback', '--target-is-zero', '-O', 'raw'];
  const args = ['convert', '-p', ...into, ...objects, '-f', image.format, image.fileName, fileName];
  const copied = await runQemu('qemu-img', args, run);
  if (copied.status !== 0) throw copyFailed(image, target, copied);
  const flushed = await runQemu('qemu-io', [...objects, '-c', 'flush', fileName], { signal: run.signal });
  if (flushed.status !== 0)
    throw failure(
      'FLUSH_FAILED',
      `the volume did not confirm that it is on stable storage: ${complaintOf(flushed)}`,
      {
        next: 'See how its hosts stand: lockstep status; then import again.',
      },
    );
}

/** The volume may be longer than the image: there it has to read as zeroes. */
export async function compareImage(image: Image, target: NbdTarget, run: QemuRun): Promise<void> {
  const { fileName, objects } = target;
  const formats = ['-f', image.format, '-F', 'raw'];
  const args = ['compare', '-p', ...objects, ...formats, image.fileName, fileName];
  const compared = await runQemu('qemu-img', args, run);
  if (compared.status === 0) return;
  if (compared.status !== DIFFERS) throw copyFailed(image, target, compared);
  throw failure('IMAGE_DIFFERS', `${image.shown} and the volume differ: ${differenceIn(compared)}`, {
    next: 'Has somebody written to the image, or to the volume, meanwhile? Import again when both are left alone.',
  });
}

function differenceIn({ stdout }: QemuResult): string {
  return /Content mismatch at offset \d+/.exec(stdout)?.[0] ?? 'qemu-img says so';
}

function copyFailed(image: Image, target: NbdTarget, result: QemuResult): LockstepError {
  const said = complaintOf(result);
  const all = `${result.stderr}\n${result.stdout}`;
  if (/Failed to connect|Connection refused|No route to host|timed out/i.test(all))
    return failure('NBD_UNREACHABLE', `${target.uri} cannot be reached: ${said}`, {
      next: 'The volume is served there: is there a firewall between, or does [ports] nbd say another port? Import on the host itself otherwise.',
    });
  if (/TLS|certificate|credentials|STARTTLS/i.test(all))
    return failure('NBD_TLS', `no TLS with ${target.uri}: ${said}`, {
      next: 'See docs/nbd.md, TLS: --tls-certificates DIR, with ca-cert.pem, client-cert.pem and client-key.pem.',
    });
  if (/No space left/i.test(all))
    return failure('NO_SPACE', `the hosts have no room for ${image.shown}`, {
      next: 'See what is left: lockstep volume status NAME; then free some, or import elsewhere.',
    });
  return failure('COPY_FAILED', `the copy of ${image.shown} broke off: ${said}`, {
    next: 'See how its hosts stand: lockstep status; a volume that fails over meanwhile breaks a copy off. Import again.',
  });
}
