import { type Command, InvalidArgumentError, Option } from 'commander';
import { addRepositoryOptions } from '../../backup/open-repository.ts';
import type { ListOptions, NowOptions, PruneCommandOptions, StatusOptions } from './option-types.ts';

export function addBackupCommands(top: Command): void {
  const backup = top
    .command('backup')
    .summary('make backups and look at them')
    .description(
      'Makes backups and looks at them. A server with backup.target in its configuration makes them by itself, all the time; ' +
        '"headkeeper restore" restores them.',
    )
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 40 the target cannot be used, 41 the backup cannot, 43 the backup is behind; ' +
        'docs/reference/exit-codes.md has the others.',
    );
  addNow(backup);
  addList(backup);
  addVerify(backup);
  addPrune(backup);
  addStatus(backup);
}

function addNow(backup: Command): void {
  addRepositoryOptions(
    backup
      .command('now')
      .summary('make a full backup now')
      .description(
        "Makes a full backup now: of a data directory, Headkeeper's or Apache ZooKeeper's, running or not, with all of its " +
          'log; or of what a running server sends through its AdminServer. With --server alone the server is asked to make one ' +
          'in the backup that its own configuration names.',
      ),
  )
    .option('--data-dir <folder>', 'the data directory; by default that of --config')
    .option('--data-log-dir <folder>', 'where its logs are, if not there, too')
    .option('--server <url>', 'a running server by its AdminServer: http://host:8080')
    .option('--auth <scheme:auth>', 'with --server: who asks, such as digest:user:password')
    .addOption(
      new Option('--auth-file <file>', 'the same from a file, so that no password is seen in a list of processes'),
    )
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExamples:\n  headkeeper backup now --data-dir /var/lib/zookeeper --target /backups/zk\n' +
        '  headkeeper backup now --server http://zk1:8080 --auth-file root.auth --target s3://bucket/zk',
    )
    .action(async (options: NowOptions) => {
      const { runNow } = await import('./now.ts');
      await runNow(options);
    });
}

function addList(backup: Command): void {
  addRepositoryOptions(
    backup
      .command('list')
      .summary('show what a backup holds')
      .description('Shows what a backup holds: full backups, what can be restored, and what is missing.'),
  )
    .option('--json', 'print one JSON object')
    .action(async (options: ListOptions) => {
      const { runList } = await import('./list.ts');
      await runList(options);
    });
}

function addVerify(backup: Command): void {
  addRepositoryOptions(
    backup
      .command('verify')
      .summary('look at everything that a backup holds')
      .description(
        'Reads all of a backup: compares every checksum, builds the tree of every full backup, and follows the log from ' +
          'each of them to the next.',
      ),
  )
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExit codes: 0 all is well, 41 something is damaged or missing.')
    .action(async (options: ListOptions) => {
      const { runVerify } = await import('./verify.ts');
      await runVerify(options);
    });
}

function addPrune(backup: Command): void {
  const rule = (flag: string, what: string): Option =>
    new Option(`--keep-${flag} <n>`, what).argParser((text) => {
      return /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
    });
  addRepositoryOptions(
    backup
      .command('prune')
      .summary('remove what need not be kept')
      .description(
        'Removes full backups that no rule keeps, and the log before the oldest one that --keep-count or --keep-days keeps. ' +
          'Rules that are not given are those of the configuration. Shows what would go, and asks.',
      ),
  )
    .addOption(rule('count', 'keep so many of the newest full backups'))
    .addOption(rule('days', 'keep those of so many days'))
    .addOption(rule('hourly', 'keep the last one of each of so many hours'))
    .addOption(rule('daily', 'keep the last one of each of so many days'))
    .addOption(rule('weekly', 'keep the last one of each of so many weeks'))
    .option('--dry-run', 'only show what would go')
    .option('--yes', 'do not ask')
    .option('--json', 'print one JSON object')
    .action(async (options: PruneCommandOptions) => {
      const { runPrune } = await import('./prune.ts');
      await runPrune(options);
    });
}

function addStatus(backup: Command): void {
  for (const [name, summary] of [
    ['status', 'show how far a backup is behind'],
    ['watch', 'show the same every two seconds'],
  ] as const) {
    addRepositoryOptions(
      backup
        .command(name)
        .summary(summary)
        .description(
          'Shows what a backup reaches to and since when; with --server also how far it is behind that server, and what the ' +
            'server says about its backups.',
        ),
    )
      .option('--server <address>', 'a server: its AdminServer, http://host:8080, or its client port, host:2181')
      .addOption(
        new Option(
          '--max-lag <time>',
          name === 'status'
            ? 'with --server: a backup that is behind by more is a failure: 500ms, 30s, 5m, 1h'
            : 'with --server: end with code 43 once the backup is behind by more: 500ms, 30s, 5m, 1h',
        ).argParser(milliseconds),
      )
      .option('--json', name === 'status' ? 'print one JSON object' : 'print one JSON object a line')
      .addHelpText('after', '\nExit codes: 0 all is well, 43 there is no backup, or it is behind.')
      .action(async (options: StatusOptions) => {
        const { runStatus, runWatch } = await import('./status.ts');
        await (name === 'status' ? runStatus(options) : runWatch(options));
      });
  }
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function milliseconds(text: string): number {
  const [, amount, unit = ''] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
  if (amount === undefined) throw new InvalidArgumentError('Expected a time such as 500ms, 30s, 5m or 1h.');
  return Number(amount) * (UNITS[unit] ?? 0);
}
