/**
 * The least that a server in Node can do, in a process of its own: what its answers take while the same load runs is what
 * the machine and the client add to every other answer. Sends its port to its parent, and ends with it.
 */
import { createServer } from 'node:http';

const server = createServer((_request, response) => {
  response.end('ok\n');
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.(typeof address === 'object' && address !== null ? address.port : 0);
});
process.once('disconnect', () => {
  process.exit(0);
});
