/**
 * Stories of the handshake, as text: what a client says (C:) and what the server answers (S:). `REWRITE=1` writes the
 * server's lines anew from what it answers now; the difference is then reviewed like code.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { encodeGreeting, HandshakeDecoder } from '../../daemon/nbd/handshake-codec.ts';
import {
  negotiate,
  NEGOTIATION_START,
  type NegotiationEffect,
  type NegotiationEvent,
  type NegotiationState,
} from '../../daemon/nbd/negotiation.ts';
import { clientBytes, serverLines } from '../support/nbd-transcript.ts';

const FOLDER = join(import.meta.dirname, 'transcripts');
const ENTRIES = [
  { name: 'orders', description: 'orders, 1 MiB' },
  { name: 'größen', description: '' },
];

/** The shell of the state machine, answering from a table instead of a directory. */
class Story {
  readonly lines: string[] = [];
  readonly #decoder = new HandshakeDecoder();
  #state: NegotiationState = NEGOTIATION_START;

  constructor() {
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
    else if (effect.kind === 'list') this.#advance({ kind: 'listed', entries: ENTRIES });
    else if (effect.kind === 'open') this.#open(effect.name);
    else if (effect.kind === 'hangUp') this.#say([`hang up: ${effect.reason}`]);
    else this.#say([effect.kind]);
  }

  #open(name: string): void {
    const entry = ENTRIES.find((one) => one.name === name);
    if (entry !== undefined) {
      this.#advance({ kind: 'opened', sizeBytes: 1024 * 1024, description: entry.description });
    } else if (name === 'elsewhere') {
      this.#advance({
        kind: 'notOpened',
        reason: 'NOT_SERVING',
        message: 'the primary of elsewhere is another host',
      });
    } else
      this.#advance({ kind: 'notOpened', reason: 'UNKNOWN', message: `no export ${JSON.stringify(name)}` });
  }

  #say(lines: readonly string[]): void {
    for (const line of lines) this.lines.push(`S: ${line}`);
  }
}

/** The transcript with the server's lines as they come out now; comments and empty lines stay where they are. */
function retold(text: string): string {
  const story = new Story();
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
