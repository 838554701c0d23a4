/**
 * Stories of the handshake, as text: what a client says (C:) and what the server answers (S:). `REWRITE=1` writes the
 * server's lines anew from what it answers now; the difference is then reviewed like code. A line `TLS: allowed` or
 * `TLS: required` says what the server is configured for.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { ExportFacts } from '../../daemon/nbd/block.ts';
import { encodeGreeting, HandshakeDecoder } from '../../daemon/nbd/handshake-codec.ts';
import {
  negotiate,
  type NegotiationEffect,
  type NegotiationEvent,
  negotiationStart,
  type NegotiationState,
  type TlsMode,
} from '../../daemon/nbd/negotiation.ts';
import { clientBytes, serverLines } from '../support/nbd-transcript.ts';

const FOLDER = join(import.meta.dirname, 'transcripts');
const MIB = 1024 * 1024;
const WRITABLE = { sizeBytes: MIB, isReadOnly: false, offersFastZero: false, differences: [] };
const EXPORTS: readonly ExportFacts[] = [
  {
    ...WRITABLE,
    name: 'orders',
    description: 'orders, 1 MiB',
    offersFastZero: true,
    differences: [
      { kind: 'dirty', name: 'host-b' },
      { kind: 'diff', name: 'monday' },
    ],
  },
  { ...WRITABLE, name: 'größen', description: '' },
  { ...WRITABLE, name: 'orders@monday', description: 'a snapshot', isReadOnly: true },
];

/** The shell of the state machine, answering from a table instead of a directory. */
class Story {
  readonly lines: string[] = [];
  readonly #decoder = new HandshakeDecoder();
  #state: NegotiationState;

  constructor(tls: TlsMode) {
    this.#state = negotiationStart(tls);
    this.#say(serverLines(encodeGreeting(), { greeting: true }));
  }

  hear(bytes: Buffer): void {
    this.#decoder.push(bytes);
    while (this.#state.phase !== 'over') {
      const message = this.#decoder.next();
      if (message === undefined) return;
      if (message.kind === 'refused') {
        this.#state = { phase: 'over' };
        this.#say([`hang up: ${message.reason}`]);
      } else this.#advance(message);
    }
  }

  #advance(event: NegotiationEvent): void {
    const step = negotiate(this.#state, event);
    this.#state = step.state;
    for (const effect of step.effects) this.#act(effect);
  }

  #act(effect: NegotiationEffect): void {
    if (effect.kind === 'send') this.#say(serverLines(effect.bytes, { greeting: false }));
    else if (effect.kind === 'list') this.#advance({ kind: 'listed', entries: EXPORTS });
    else if (effect.kind === 'find') this.#find(effect.name);
    else if (effect.kind === 'hangUp') this.#say([`hang up: ${effect.reason}`]);
    else if (effect.kind === 'startTls') {
      this.#decoder.dropAll();
      this.#say(['TLS starts']);
    } else if (effect.kind === 'transmit') this.#say([`transmit ${JSON.stringify(effect.terms)}`]);
    else this.#say([effect.kind]);
  }

  #find(name: string): void {
    const facts = EXPORTS.find((one) => one.name === name);
    if (facts !== undefined) this.#advance({ kind: 'found', facts });
    else if (name === 'elsewhere') {
      this.#advance({
        kind: 'notFound',
        reason: 'NOT_SERVING',
        message: 'the primary of elsewhere is another host',
      });
    } else
      this.#advance({ kind: 'notFound', reason: 'UNKNOWN', message: `no export ${JSON.stringify(name)}` });
  }

  #say(lines: readonly string[]): void {
    for (const line of lines) this.lines.push(`S: ${line}`);
  }
}

/** The transcript with the server's lines as they come out now; comments and empty lines stay where they are. */
function retold(text: string): string {
  const mode = /^TLS: (allowed|required)$/m.exec(text)?.[1] as TlsMode | undefined;
  const story = new Story(mode ?? 'off');
  const told: string[] = [];
  let started = false;
  for (const line of text.split('\n')) {
    if (line.startsWith('S: ')) {
      if (!started) told.push(...story.lines.splice(0));
      started = true;
      continue;
    }
    told.push(line);
    if (!line.startsWith('C: ')) continue;
    story.hear(clientBytes(line.slice(3)));
    told.push(...story.lines.splice(0));
  }
  return told.join('\n');
}

for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.txt'))) {
  t.test(`the handshake goes as told in ${file}`, async (t) => {
    const path = join(FOLDER, file);
    const expected = readFileSync(path, 'utf8');
    const actual = retold(expected);
    if (process.env['REWRITE'] === '1') writeFileSync(path, actual);
    else t.equal(actual, expected);
  });
}
