/** What a person names as the image to import: a file, or an address that QEMU reads. Pure. */
import { basename, resolve } from 'node:path';
import { UsageError } from './errors.ts';

export interface ImageSource {
  readonly kind: 'file' | 'url';
  /** As QEMU gets it. A file's is absolute, so that no part of it is taken for a protocol. */
  readonly fileName: string;
  /** For people: without a password. */
  readonly shown: string;
}

/** Formats that QEMU reads as the disk of a machine. */
export const IMAGE_FORMATS = [
  'raw',
  'qcow2',
  'qcow',
  'qed',
  'vmdk',
  'vdi',
  'vhdx',
  'vpc',
  'parallels',
  'bochs',
  'cloop',
  'dmg',
] as const;

const SCHEMES = ['http', 'https', 'ftp', 'ftps', 'nbd', 'nbd+unix'];
const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;
const REGION_BYTES = 65_536n;
const MAX_ID_CHARACTERS = 40;
const ID = /^[a-z]([a-z0-9-]*[a-z0-9])?$/;

export function parseSource(text: string): ImageSource {
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return { kind: 'file', fileName: resolve(text), shown: text };
  if (!SCHEMES.includes(scheme) || !URL.canParse(text))
    throw new UsageError(
      `${JSON.stringify(text)} is no address of an image`,
      `a file, or a URL of ${SCHEMES.join(', ')}`,
    );
  const shown = new URL(text);
  shown.username = '';
  shown.password = '';
  return { kind: 'url', fileName: text, shown: shown.href };
}

/** `Debian 12.qcow2` to `debian-12`, for a volume that was given no name. */
export function nameFor({ kind, fileName }: ImageSource): string {
  const path = kind === 'url' ? decoded(new URL(fileName).pathname) : fileName;
  const stem = basename(path).replace(/\.[^.]*$/, '');
  const id = stem
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[^a-z]+/g, '')
    .slice(0, MAX_ID_CHARACTERS)
    .replace(/-+$/, '');
  if (ID.test(id)) return id;
  throw new UsageError(
    `no name for a volume can be made of ${JSON.stringify(basename(path))}`,
    '--name NAME',
  );
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Volumes have whole regions: what is beyond the image reads as zeroes. */
export function volumeBytesFor(imageBytes: bigint): bigint {
  return ((imageBytes + REGION_BYTES - 1n) / REGION_BYTES) * REGION_BYTES;
}
