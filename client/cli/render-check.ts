/** `lockstep volume check`: what each host found, as a table with what can be done, or as JSON. Pure. */
import type { CheckFinding, VolumeCheck } from '../../proto/gen/lockstep/v1/volume_service.ts';
import { hostId, volumeId } from '../lockstep.ts';
import { integer, type Json } from './json.ts';
import { formatSize } from './size.ts';
import { counted, type Paint, printable, table } from './text.ts';

/** 'unknown': a host could not look at everything. */
export type CheckVerdict = 'clean' | 'repaired' | 'damaged' | 'unknown';

export function judgeCheck({ replicas }: VolumeCheck): CheckVerdict {
  const findings = replicas.flatMap((replica) => replica.findings);
  if (findings.some(({ repaired }) => !repaired)) return 'damaged';
  if (replicas.some(({ error }) => error !== '')) return 'unknown';
  return findings.length > 0 ? 'repaired' : 'clean';
}

const HEADLINES: Readonly<Record<CheckVerdict, string>> = {
  clean: 'CLEAN: everything was read, and nothing is wrong.',
  repaired: 'REPAIRED: what was wrong could be put right, and was.',
  damaged: 'DAMAGED: not all of it can be put right without the other replica.',
  unknown: 'NOT KNOWN: not every host looked at everything.',
};

export function renderCheck(check: VolumeCheck, paint: Paint): string {
  const verdict = judgeCheck(check);
  const style = { clean: 'good', repaired: 'warning', damaged: 'danger', unknown: 'warning' } as const;
  const lines = [
    paint(style[verdict], HEADLINES[verdict]),
    ...check.replicas.map(
      ({ host, readBytes, findings, error }) =>
        `${paint('heading', printable(hostId(host)))}  ${
          error === ''
            ? `${formatSize(readBytes)} read, ${counted(findings.length, 'finding')}`
            : printable(error)
        }`,
    ),
    ...findingTable(check, paint),
  ];
  return `${lines.join('\n')}\n`;
}

function findingTable({ replicas }: VolumeCheck, paint: Paint): readonly string[] {
  const rows = replicas.flatMap(({ host, findings }) =>
    findings.map((finding) => [
      paint('heading', printable(hostId(host))),
      paint(finding.repaired ? 'warning' : 'danger', finding.repaired ? 'repaired' : 'damaged'),
      printable(finding.layer) || '-',
      rangeOf(finding),
      printable(finding.advice === '' ? finding.what : `${finding.what} -> ${finding.advice}`),
    ]),
  );
  if (rows.length === 0) return [];
  const columns = ['HOST', 'KIND', 'LAYER', 'BYTES', 'WHAT'].map((title) => ({ title }));
  return ['', ...table(columns, rows, paint)];
}

/** The last byte is not in it. */
function rangeOf({ offset, length }: CheckFinding): string {
  return length === 0n ? '-' : `${String(offset)}..${String(offset + length)}`;
}

export function checkJson(check: VolumeCheck): Json {
  return {
    name: check.name,
    id: volumeId(check.name),
    verdict: judgeCheck(check),
    replicas: check.replicas.map(({ host, readBytes, findings, error }) => ({
      host: hostId(host),
      readBytes: integer(readBytes),
      error: error === '' ? null : error,
      findings: findings.map(({ repaired, what, layer, offset, length, advice }) => ({
        kind: repaired ? 'repaired' : 'damaged',
        what,
        layer: layer === '' ? null : layer,
        offset: length === 0n ? null : integer(offset),
        length: length === 0n ? null : integer(length),
        advice: advice === '' ? null : advice,
      })),
    })),
  };
}
