/** `lockstep database ...`: which commands there are. What each does is in the files beside this one. */
import { type Command, Option } from 'commander';
import {
  changeFlags,
  collect,
  collectPair,
  parseCount,
  removalFlags,
  requestFlags,
  run,
  SINGLE_OPTION,
  ZONES_OPTION,
} from './command.ts';
import * as change from './database-changes.ts';
import { clone, create, resetPassword } from './database-create.ts';
import { connection, events, get, list, watch } from './database-views.ts';

const NAME = ['<name>', 'of the database'] as const;
const NEW_NAME = 'a DNS label: 1 to 40 of a-z, 0-9 and "-", starting with a letter';
const DEFAULT_EVENTS = 20;
const MOST_EVENTS = 10_000;

export function addDatabaseCommands(program: Command): void {
  const database = program.command('database').description('replicated databases');
  addCreations(database);
  addViews(database);
  addEngineChanges(database);
  addCopyChanges(database);
}

function tagOption(): Option {
  return new Option('--tag <key=value>', 'any number of times').argParser(collectPair);
}

function parameterOption(): Option {
  return new Option('--parameter <name=value>', 'of the engine, any number of times').argParser(collectPair);
}

function addCreations(database: Command): void {
  requestFlags(
    database
      .command('create')
      .description('provision a database in two zones, and hand out how to connect to it')
      .argument('<name>', NEW_NAME)
      .option('--engine <engine>', 'lockstep engine list has them', 'postgresql')
      .option('--engine-version <version>', 'the newest that the hosts can have when left out')
      .option('--size <size>', 'of the volume, such as 20GiB', '1GiB')
      .option(...ZONES_OPTION)
      .option(...SINGLE_OPTION)
      .addOption(parameterOption())
      .addOption(tagOption())
      .option('--deletion-protection', 'refuse to delete it until that is lifted'),
  ).action(run(create));
  requestFlags(
    database
      .command('clone')
      .description('a new database that begins as this one is now, or as a snapshot of it')
      .argument(...NAME)
      .argument('<new-name>', NEW_NAME)
      .option('--snapshot <snapshot>', 'of its volume; as it is now when left out')
      .option('--replicated', 'give it a second copy, which follows')
      .addOption(tagOption()),
  ).action(run(clone));
}

function addViews(database: Command): void {
  database
    .command('list')
    .description('every database')
    .option('--deleted', 'also those that can be brought back')
    .action(run(list));
  database
    .command('get')
    .description('one database')
    .argument(...NAME)
    .action(run(get));
  database
    .command('watch')
    .description('a line each time it changes, until Ctrl-C')
    .argument(...NAME)
    .action(run(watch));
  database
    .command('events')
    .description('what happened to a database, the newest last')
    .argument(...NAME)
    .addOption(
      new Option('--limit <count>', 'how many at most')
        .argParser(parseCount(MOST_EVENTS))
        .default(DEFAULT_EVENTS),
    )
    .action(run(events));
  database
    .command('connection')
    .description('how to connect to it')
    .argument(...NAME)
    .action(run(connection));
}

function addEngineChanges(database: Command): void {
  changeFlags(
    database
      .command('update')
      .description('change its size, parameters, tags or protection while it is used')
      .argument(...NAME)
      .option('--size <size>', 'larger than it is, such as 40GiB')
      .addOption(parameterOption())
      .addOption(new Option('--reset-parameter <name>', 'set one back to its default').argParser(collect))
      .addOption(tagOption())
      .addOption(new Option('--remove-tag <key>', 'any number of times').argParser(collect))
      .addOption(
        new Option('--deletion-protection <on|off>', 'whether a delete is refused').choices(['on', 'off']),
      ),
  ).action(run(change.update));
  changeFlags(
    database
      .command('start')
      .description('start the engine of a stopped database')
      .argument(...NAME),
  ).action(run(change.start));
  changeFlags(
    database
      .command('stop')
      .description('stop its engine; the copies stay, and stay in sync')
      .argument(...NAME),
  ).action(run(change.stop));
  changeFlags(
    database
      .command('reboot')
      .description('stop its engine and start it again')
      .argument(...NAME)
      .option('--switchover', 'on the secondary, which becomes the primary'),
  ).action(run(change.reboot));
  changeFlags(
    database
      .command('rename')
      .description('give it another name and alias; clients that are connected stay so')
      .argument(...NAME)
      .argument('<new-name>', NEW_NAME),
  ).action(run(change.rename));
  changeFlags(
    database
      .command('reset-password')
      .description('give the administrator a new password, and save it')
      .argument(...NAME),
  ).action(run(resetPassword));
}

function addCopyChanges(database: Command): void {
  changeFlags(
    database
      .command('failover')
      .description('make the secondary the primary, whether or not the primary is well')
      .argument(...NAME),
  ).action(run(change.failover));
  changeFlags(
    database
      .command('switchover')
      .description('make the secondary the primary with the least time without service, both being well')
      .argument(...NAME),
  ).action(run(change.switchover));
  removalFlags(
    database
      .command('convert')
      .description('one copy to two in two zones, or back, while it is used')
      .argument(...NAME)
      .addOption(
        new Option('--to <mode>', 'how many copies it is to have')
          .choices(['replicated', 'single'])
          .makeOptionMandatory(),
      )
      .option(
        '--place <place>',
        'zones/ZONE or hosts/HOST of the second copy, or hosts/HOST of the one that stays',
      ),
  ).action(run(change.convert));
  changeFlags(
    database
      .command('reseed')
      .description('have the primary copy anew to the other replica')
      .argument(...NAME)
      .option('--host <host>', 'of that replica; the only one beside the primary when left out')
      .option('--anew', 'also one that is in sync: every region is compared'),
  ).action(run(change.reseed));
  removalFlags(
    database
      .command('delete')
      .description('stop a database, and remove it when the grace time has passed')
      .argument(...NAME)
      .option('--final-snapshot <name>', 'of the snapshot that stays; made up when left out')
      .option('--skip-final-snapshot', 'let nothing stay'),
  ).action(run(change.remove));
  changeFlags(
    database
      .command('undelete')
      .description('bring back a database within the grace time of its delete')
      .argument(...NAME),
  ).action(run(change.undelete));
}
