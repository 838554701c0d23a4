/** The export of a volume on its primary's host, as people and as QEMU's programs name it. Pure. */
import type { NbdListener, Volume } from '../../proto/gen/lockstep/v1/volume_service.ts';
import { volumeId } from '../lockstep.ts';
import { UsageError } from './errors.ts';

export interface NbdTarget {
  /** For people. */
  readonly uri: string;
  /** A file name that QEMU's programs take apart themselves: nothing in it needs escaping. */
  readonly fileName: string;
  /** What the programs have to be given before. */
  readonly objects: readonly string[];
}

export interface TargetChoice {
  /** The primary's Unix socket can be reached from here. */
  readonly isHere: boolean;
  /** With certificates as QEMU names them; absent: without TLS. */
  readonly tlsFolder?: string | undefined;
}

const TLS_OBJECT = 'lockstep-tls';
const TLS_FILES =
  '--tls-certificates DIR, a folder with ca-cert.pem, and with client-cert.pem and client-key.pem where the host wants to know its clients';

/** Of the primary; absent: there is none, or its host has not told. */
export function primaryListener({ primary, replicas }: Volume): NbdListener | undefined {
  return replicas.find(({ host }) => host === primary)?.nbd;
}

/** Over TCP. */
export function nbdUri(volume: Volume, { address, tls }: NbdListener): string {
  return `${tls === 'required' ? 'nbds' : 'nbd'}://${address}/${volumeId(volume.name)}`;
}

/** Over the Unix socket where that is here, unless TLS is asked for: it needs neither a network nor certificates. */
export function targetOf(volume: Volume, listener: NbdListener, choice: TargetChoice): NbdTarget {
  const { isHere, tlsFolder } = choice;
  const name = volumeId(volume.name);
  if (isHere && tlsFolder === undefined) {
    const server = { type: 'unix', path: listener.socket };
    const uri = `nbd+unix:///${name}?socket=${listener.socket}`;
    return { uri, fileName: fileNameOf({ server, export: name }), objects: [] };
  }
  if (tlsFolder === undefined && listener.tls === 'required')
    throw new UsageError(`NBD at ${listener.address} is served over TLS alone`, TLS_FILES);
  const [host = '', port = ''] = listener.address.split(':');
  const server = { type: 'inet', host, port };
  if (tlsFolder === undefined)
    return {
      uri: nbdUri(volume, listener),
      fileName: fileNameOf({ server, export: name }),
      objects: [],
    };
  const properties = { 'qom-type': 'tls-creds-x509', id: TLS_OBJECT, endpoint: 'client', dir: tlsFolder };
  return {
    uri: nbdUri(volume, { ...listener, tls: 'required' }),
    fileName: fileNameOf({ server, export: name, 'tls-creds': TLS_OBJECT }),
    objects: ['--object', JSON.stringify(properties)],
  };
}

function fileNameOf(nbd: object): string {
  return `json:${JSON.stringify({ driver: 'raw', file: { driver: 'nbd', ...nbd } })}`;
}
