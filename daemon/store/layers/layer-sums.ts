/**
 * The checksums of a sealed layer's regions: the file `<id>.sums`.
 *
 *   page 0      header: "LSTPSUM1", then in big endian u32 CRC-32C over the rest of its 512 bytes, u32 version,
 *               u32 bytes of a region, u8 and the layer's id
 *   page 1 on   u32 for each region: the CRC-32C of its bytes, or 0 where all of them are zeroes or it is not held
 *
 * The catalogue says whether they are complete. A sum that is 0 by chance is written as 1.
 */
import { crc32c } from '@node-rs/crc32';
import { LockstepError } from '../../sys/errors.ts';
import type { BlockFile, Files } from '../files.ts';
import type { Layer } from './layer.ts';

const PAGE_BYTES = 4096;
const HEADER_BYTES = 512;
const SUM_BYTES = 4;
const MAGIC = Buffer.from('LSTPSUM1', 'latin1');
const VERSION = 1;
const CHECKED_FROM = MAGIC.length + 4;
const ZEROES = 0;

interface SumsHeader {
  readonly layer: string;
  readonly regionBytes: number;
}

export class LayerSums {
  readonly #file: BlockFile;
  readonly #regionBytes: number;
  readonly #scratch: Buffer;
  readonly #sum = Buffer.alloc(SUM_BYTES);
  #isSyncing = false;
  #isClosed = false;

  private constructor(file: BlockFile, regionBytes: number) {
    this.#file = file;
    this.#regionBytes = regionBytes;
    this.#scratch = Buffer.allocUnsafeSlow(regionBytes);
  }

  /** In place of one that was begun before. */
  static create(files: Files, path: string, header: SumsHeader, regions: number): LayerSums {
    files.remove(path);
    const file = files.create(path, PAGE_BYTES + regions * SUM_BYTES);
    try {
      file.write(encodeHeader(header), 0);
    } catch (error) {
      file.close();
      throw error;
    }
    return new LayerSums(file, header.regionBytes);
  }

  static open(files: Files, path: string, { layer, regionBytes }: SumsHeader): LayerSums {
    const file = files.open(path);
    const header = Buffer.alloc(HEADER_BYTES);
    try {
      if (file.sizeBytes >= PAGE_BYTES) file.read(header, 0);
    } catch (error) {
      file.close();
      throw error;
    }
    if (header.equals(encodeHeader({ layer, regionBytes }))) return new LayerSums(file, regionBytes);
    file.close();
    throw new LockstepError(
      'INTERNAL',
      `${path} holds no checksums of layer ${layer} that this build knows`,
      {
        reason: 'LAYER_SUMS_DAMAGED',
        metadata: { path },
      },
    );
  }

  /** Reads the region, and keeps its checksum. */
  add(region: number, layer: Layer): void {
    this.#sum.writeUInt32BE(this.#sumOf(region, layer), 0);
    this.#file.write(this.#sum, PAGE_BYTES + region * SUM_BYTES);
  }

  /** Whether the region of the layer has the bytes that it had when it was sealed. */
  fits(region: number, layer: Layer): boolean {
    this.#load(region);
    return this.#sum.readUInt32BE(0) === this.#sumOf(region, layer);
  }

  /** What another layer's checksums say of a region whose bytes are copied from there. */
  copy(region: number, from: LayerSums): void {
    from.#load(region);
    const needed = PAGE_BYTES + (region + 1) * SUM_BYTES;
    if (this.#file.sizeBytes < needed) this.#file.grow(needed);
    this.#file.write(from.#sum, needed - SUM_BYTES);
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#isSyncing = true;
      this.#file.sync((error) => {
        this.#isSyncing = false;
        if (this.#isClosed) this.#file.close();
        if (error === null) resolve();
        else reject(error);
      });
    });
  }

  close(): void {
    this.#isClosed = true;
    if (!this.#isSyncing) this.#file.close();
  }

  /** Of a layer that grew since, there are none for what was not in it then. */
  #load(region: number): void {
    const offset = PAGE_BYTES + region * SUM_BYTES;
    if (offset + SUM_BYTES > this.#file.sizeBytes) this.#sum.fill(0);
    else this.#file.read(this.#sum, offset);
  }

  #rangeOf(region: number): { readonly offset: number; readonly length: number } {
    return { offset: region * this.#regionBytes, length: this.#regionBytes };
  }

  #sumOf(region: number, layer: Layer): number {
    if (!layer.holdsData(this.#rangeOf(region))) return ZEROES;
    layer.readUnchecked(this.#scratch, region * this.#regionBytes);
    const sum = crc32c(this.#scratch);
    if (sum === sumOfZeroes(this.#regionBytes)) return ZEROES;
    return sum === ZEROES ? 1 : sum;
  }
}

const sumsOfZeroes = new Map<number, number>();

/** Of a region that is all zeroes. */
function sumOfZeroes(regionBytes: number): number {
  const known = sumsOfZeroes.get(regionBytes);
  if (known !== undefined) return known;
  const sum = crc32c(Buffer.alloc(regionBytes));
  sumsOfZeroes.set(regionBytes, sum);
  return sum;
}

function encodeHeader({ layer, regionBytes }: SumsHeader): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32BE(VERSION, CHECKED_FROM);
  header.writeUInt32BE(regionBytes, CHECKED_FROM + 4);
  header.writeUInt8(Buffer.byteLength(layer), CHECKED_FROM + 8);
  header.write(layer, CHECKED_FROM + 9);
  header.writeUInt32BE(crc32c(header.subarray(CHECKED_FROM)), MAGIC.length);
  return header;
}
