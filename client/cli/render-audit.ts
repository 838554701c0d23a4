/** What `lockstep doctor` shows. Pure. */
import {
  type AuditClusterResponse,
  type AuditFinding,
  type AuditKind,
  auditKindToJSON,
} from '../../proto/gen/lockstep/v1/cluster_service.ts';
import { hostId } from '../resource-names.ts';
import { type Json, time } from './json.ts';
import { counted, listed, type Paint, printable, table } from './text.ts';

const COLUMNS = [
  { title: 'KIND' },
  { title: 'HOST' },
  { title: 'SUBJECT' },
  { title: 'WHAT IS WRONG' },
] as const;
const PREFIX = 'AUDIT_KIND_';

/** Nothing is left to do, and everybody was asked. */
export function isClean({ findings, unreachable }: AuditClusterResponse): boolean {
  return unreachable.length === 0 && findings.every(({ repaired }) => repaired);
}

export function renderAudit(answer: AuditClusterResponse, paint: Paint): string {
  const { findings, unreachable, checked } = answer;
  const lines = [
    ...(findings.length === 0
      ? []
      : table(
          COLUMNS,
          findings.map((finding) => rowOf(finding, paint)),
          paint,
        )),
    ...nextSteps(findings),
    ...(unreachable.length === 0
      ? []
      : [
          paint(
            'warning',
            `not asked, since they cannot be reached: ${listed(unreachable.map(hostId))}; what is there is not known`,
          ),
        ]),
    headline(answer, `${counted(checked, 'thing')} looked at`, paint),
  ];
  return `${lines.join('\n')}\n`;
}

function headline({ findings, unreachable }: AuditClusterResponse, looked: string, paint: Paint): string {
  const left = findings.filter(({ repaired }) => !repaired).length;
  const repaired = findings.length - left;
  const mended = repaired === 0 ? '' : `${counted(repaired, 'finding')} repaired; `;
  if (left > 0) return paint('danger', `${mended}${counted(left, 'finding')} left; ${looked}`);
  const nothing = `${mended}nothing is left to do; ${looked}`;
  return paint(unreachable.length === 0 ? 'good' : 'warning', nothing);
}

function rowOf({ kind, host, subject, what, repaired }: AuditFinding, paint: Paint): readonly string[] {
  return [
    kindName(kind),
    host === '' ? '-' : hostId(host),
    printable(subject),
    repaired ? paint('good', `repaired: ${printable(what)}`) : printable(what),
  ];
}

/** Each once, with what it is for: a repair is the same for a dozen findings. */
function nextSteps(findings: readonly AuditFinding[]): readonly string[] {
  const subjects = new Map<string, string[]>();
  for (const { subject, nextStep, repaired } of findings)
    if (!repaired && nextStep !== '')
      subjects.set(nextStep, [...(subjects.get(nextStep) ?? []), printable(subject)]);
  if (subjects.size === 0) return findings.length === 0 ? [] : [''];
  const steps = [...subjects].map(([step, of]) => `  ${listed(of)}: ${printable(step)}`);
  return ['', 'What to do:', ...steps, ''];
}

export function auditJson(answer: AuditClusterResponse): Json {
  return {
    time: time(answer.time),
    clean: isClean(answer),
    checked: answer.checked,
    unreachable: answer.unreachable.map(hostId),
    findings: answer.findings.map(({ kind, host, subject, what, nextStep, repaired }) => ({
      kind: kindName(kind),
      host: host === '' ? null : hostId(host),
      subject,
      what,
      nextStep: nextStep === '' ? null : nextStep,
      repaired,
    })),
  };
}

/** The generated function throws for numbers of a newer server. */
function kindName(kind: AuditKind): string {
  try {
    return auditKindToJSON(kind).replace(PREFIX, '');
  } catch {
    return `UNKNOWN_${String(kind)}`;
  }
}
