/** Certificates for an hour, made by openssl: an authority, and a server and a client that it signed. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';

export interface Identity {
  readonly certificate: Buffer;
  readonly key: Buffer;
}

export interface Certificates {
  readonly folder: string;
  readonly authority: Buffer;
  readonly server: Identity;
  readonly client: Identity;
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** For localhost and the address, with the names that libnbd wants in its folder: ca-cert.pem, client-cert.pem, client-key.pem. */
export function makeCertificates(t: Test, address = '127.0.0.1'): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'nbd-tls-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  };
  const days = ['-days', '1'];
  openssl(
    'req',
    '-x509',
    ...NEW_KEY,
    ...days,
    '-subj',
    '/CN=authority',
    '-keyout',
    'ca-key.pem',
    '-out',
    'ca-cert.pem',
  );
  for (const name of ['server', 'client']) {
    const files = ['-keyout', `${name}-key.pem`, '-out', `${name}.csr`];
    const names = ['-addext', `subjectAltName=DNS:localhost,IP:${address}`];
    openssl('req', ...NEW_KEY, '-subj', '/CN=localhost', ...names, ...files);
    const signed = [
      '-CA',
      'ca-cert.pem',
      '-CAkey',
      'ca-key.pem',
      '-CAcreateserial',
      '-copy_extensions',
      'copy',
    ];
    openssl('x509', '-req', ...days, '-in', `${name}.csr`, ...signed, '-out', `${name}-cert.pem`);
  }
  const identity = (name: string): Identity => ({
    certificate: readFileSync(join(folder, `${name}-cert.pem`)),
    key: readFileSync(join(folder, `${name}-key.pem`)),
  });
  const authority = readFileSync(join(folder, 'ca-cert.pem'));
  return { folder, authority, server: identity('server'), client: identity('client') };
}
