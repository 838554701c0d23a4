/** What the alias of a database answers, asked of the responder that it names. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { decode, encode } from 'dns-packet';
import type { Database } from '../../proto/gen/lockstep/v1/database_service.ts';

/** "NOERROR 127.0.0.1", "NOERROR", "NXDOMAIN" */
export async function resolved(database: Database): Promise<string> {
  const [address = '', port = ''] = (database.endpoint?.dnsServer ?? '').split(':');
  const socket = createSocket('udp4');
  try {
    const question = { type: 'A' as const, name: database.endpoint?.alias ?? '' };
    socket.send(encode({ type: 'query', id: 7, questions: [question] }), Number(port), address);
    const [packet] = (await once(socket, 'message')) as [Buffer];
    const { answers = [], ...reply } = decode(packet);
    const found = answers.flatMap((answer) => (answer.type === 'A' ? [answer.data] : []));
    return [(reply as { readonly rcode?: string }).rcode, ...found].join(' ');
  } finally {
    socket.close();
  }
}
