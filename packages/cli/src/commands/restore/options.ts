import { type Command, InvalidArgumentError, Option } from 'commander';
import { addRepositoryOptions } from '../../backup/open-repository.ts';
import { addConnectionOptions } from '../../connection/connection-options.ts';
import type { RestoreOptions } from './option-types.ts';

export function addRestore(top: Command): void {
  addRestoreOptions(
    top
      .command('restore')
      .summary('restore a state out of a backup')
      .description(
        'Restores a state out of a backup into empty data directories, for one server or a whole ensemble: Headkeeper or ' +
          'Apache ZooKeeper starts on them. The history goes on in a new epoch and the old sessions end, so that no client ' +
          'and no server of old can take it for its own. With --path it brings one subtree of a running server back instead.',
      )
      .addHelpText(
        'after',
        '\nA point in time is latest, a zxid (0x100000002), an ISO 8601 time (2026-01-31T14:03:07Z), or seconds or ' +
          'milliseconds since 1970.\n\nExamples:\n' +
          '  headkeeper restore --config zoo.cfg\n' +
          '  headkeeper restore --target s3://bucket/zk --data-dir /restored --servers 1,2,3 --to-time 2026-01-31T14:03:07Z\n' +
          "  headkeeper restore --target /backups/zk --data-dir /restored --before 'path=/config op=delete' --dry-run\n" +
          '  headkeeper restore --path /config --server 127.0.0.1:2181 --config zoo.cfg --to-time 2026-01-31T14:03:07Z',
      ),
  ).action(async (options: RestoreOptions) => {
    const { runRestore, runSubtreeRestore } = await import('./run.ts');
    await (options.path === undefined ? runRestore(options) : runSubtreeRestore(options.path, options));
  });
}

function addRestoreOptions(command: Command): Command {
  return addConnectionOptions(
    addRepositoryOptions(command)
      .option('--to <time>', 'the state to restore; by default the latest')
      .option('--to-zxid <zxid>', 'the state right after this transaction')
      .option('--to-time <time>', 'the state at this time')
      .option('--before <change>', "the state before the last such change: 'path=/config op=delete'")
      .option('--data-dir <folder>', 'an empty folder for the data; by default dataDir of --config')
      .option('--data-log-dir <folder>', 'an empty folder for the transaction logs; by default the same')
      .addOption(
        new Option(
          '--servers <ids>',
          'for a whole ensemble: one folder for each of these server ids (1,2,3) below --data-dir, each with its myid',
        ).argParser(serverIds),
      )
      .addOption(
        new Option(
          '--bump-epoch <n>',
          'go on so many epochs above the greatest one that the backup knows of (default: 256)',
        ).argParser(wholeNumber),
      )
      .option('--no-bump-epoch', 'go on at the very zxid, with the old sessions: for looking at it, not for serving')
      .option('--dry-run', 'check everything and say what would be done')
      .option('--path <znode>', 'instead: bring one subtree of a running server back, as transactions')
      .option('--server <hosts>', 'with --path: the servers to write to')
      .option(
        '--from-data-dir <folder>',
        'with --path: a data directory to read the past from, instead of a backup or beside it',
      )
      .option('--from-data-log-dir <folder>', 'with --from-data-dir: where its logs are, if not there, too')
      .option('--yes', 'with --path: do not ask')
      .option('--json', 'print JSON'),
  );
}

function serverIds(text: string): number[] {
  const ids = text.split(',').map((part) => (/^\d{1,10}$/.test(part) ? Number(part) : Number.NaN));
  if (ids.some(Number.isNaN) || new Set(ids).size !== ids.length) {
    throw new InvalidArgumentError('Expected different server ids, separated by commas: 1,2,3.');
  }
  return ids;
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('Expected a whole number above 0.');
  return Number(text);
}
