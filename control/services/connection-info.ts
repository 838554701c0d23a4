/** GetConnectionInfo: what a client needs in order to connect, but the password. */
import type { ConnectionInfo } from '../../proto/gen/lockstep/v1/database_service.ts';
import { viewDatabase } from '../model/database-view.ts';
import { engineFacts } from '../model/engine-parameters.ts';
import type { Repository } from '../repository.ts';
import { checkHasEngine } from './database-change.ts';
import { databaseIdOf } from './fields.ts';
import type { Views } from './views.ts';

export async function connectionInfo(
  { repository, views }: { readonly repository: Repository; readonly views: Views },
  name: string,
): Promise<ConnectionInfo> {
  const entry = await repository.requireDatabase(databaseIdOf('name', name));
  checkHasEngine(entry.value);
  const facts = await views.facts(entry);
  const { endpoint } = viewDatabase(facts);
  const { port, user, engine, engineDatabase: database } = entry.value;
  const { primary = '', replicas = [] } = facts.volume ?? {};
  const hosts = [primary, ...replicas.filter((host) => host !== primary)];
  const addresses = hosts.flatMap((host) => facts.hostRecords.get(host)?.address ?? []);
  const reached = { alias: endpoint?.alias ?? '', port, user, database, addresses };
  const client = engineFacts(engine);
  return {
    endpoint,
    uri: client.uri(reached),
    multiHostUri: client.multiHostUri(reached),
    command: client.command(reached),
  };
}
