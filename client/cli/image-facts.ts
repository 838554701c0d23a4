/** What `qemu-img info --output=json` says of an image, and of the images below it. Pure. */

export interface ImageFacts {
  readonly fileName: string;
  readonly format: string;
  readonly virtualBytes: bigint;
  /** The image below, as this one names it; empty: none. */
  readonly backing: string;
  readonly isEncrypted: boolean;
  /** Files beside the image that hold data of it. */
  readonly dataFiles: readonly string[];
}

type Told = Readonly<Record<string, unknown>>;

/** Of a chain, the image itself first; undefined where that is not what was told. */
export function imageFacts(text: string): readonly ImageFacts[] | undefined {
  const told: unknown = JSON.parse(text);
  const facts = (Array.isArray(told) ? told : [told]).map((one: Told) => factsOf(one));
  return facts.every((one) => one !== undefined) ? facts : undefined;
}

function factsOf(told: Told): ImageFacts | undefined {
  const { filename: fileName, format, encrypted } = told;
  const size = told['virtual-size'];
  const backing = told['full-backing-filename'] ?? told['backing-filename'] ?? '';
  if (typeof fileName !== 'string' || typeof format !== 'string') return undefined;
  if (typeof size !== 'number' || typeof backing !== 'string') return undefined;
  const specific = (told['format-specific'] as { readonly data?: Told } | undefined)?.data ?? {};
  return {
    fileName,
    format,
    virtualBytes: BigInt(size),
    backing,
    isEncrypted: encrypted === true,
    dataFiles: dataFilesOf(specific).filter((name) => name !== fileName),
  };
}

/** Of qcow2 one, of vmdk one for each extent. */
function dataFilesOf(specific: Told): readonly string[] {
  const { extents = [], 'data-file': dataFile } = specific;
  const names = [dataFile, ...(extents as readonly Told[]).map(({ filename }) => filename)];
  return names.filter((name) => typeof name === 'string');
}
