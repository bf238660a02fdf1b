import { Command, CommanderError, Option } from 'commander';
import { addBackupCommands } from './commands/backup/options.ts';
import { addBenchOptions } from './commands/bench/options.ts';
import type { DiffOptions } from './commands/diff/run.ts';
import type { ExportOptions } from './commands/export/run.ts';
import type { ImportOptions } from './commands/import/run.ts';
import type { LogOptions } from './commands/log/run.ts';
import { addRepairCommands } from './commands/repair/options.ts';
import { addRestore } from './commands/restore/options.ts';
import { addCheckConfig, addContainer, addServer } from './commands/server/options.ts';
import type { StatusOptions } from './commands/status/run.ts';
import { addConnectionOptions } from './connection/connection-options.ts';
import { ExitCode } from './exit-codes.ts';
import { addSourceOptions } from './history/source-options.ts';
import { packageVersion } from './version.ts';
import { wholeNumber } from './whole-number.ts';

/**
 * Carries out a command of the command line; that a word is wrong, or help or the version was wanted, is said here.
 *
 * @throws whatever the command throws.
 */
export async function runProgram(words: readonly string[]): Promise<void> {
  try {
    await program().parseAsync(words, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has printed its message; its code for help and version is 0.
    process.exitCode = error.exitCode === 0 ? ExitCode.done : ExitCode.usage;
  }
}

function program(): Command {
  const top = new Command('headkeeper')
    .description(
      "A coordination service for ZooKeeper's clients: run a server, ask for its status, look into its files, load it.",
    )
    .version(`headkeeper ${packageVersion()}`, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .showHelpAfterError('Try "headkeeper --help".')
    .exitOverride()
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 failed, 2 wrong arguments or configuration; docs/reference/exit-codes.md has the others.',
    );

  addServer(top);
  addCheckConfig(top);
  addContainer(top);
  addShell(top);
  addDev(top);
  addStatus(top);
  addInspect(top);
  addLog(top);
  addDiff(top);
  addExport(top);
  addImport(top);
  addBackupCommands(top);
  addRestore(top);
  addRepairCommands(top);
  addBenchOptions(
    top
      .command('bench')
      .summary('put a load on a server and measure it')
      .description(
        'Puts a load on a server and measures it. Every connection keeps a number of requests in flight and checks each reply.',
      ),
  ).action(async (options) => {
    const { runBench } = await import('./commands/bench/run.ts');
    await runBench(options);
  });

  top
    .command('version')
    .description('Prints the version.')
    .action(() => {
      process.stdout.write(`headkeeper ${packageVersion()}\n`);
    });

  return top;
}

/** For the list of commands; `run` has taken the words before. */
function addShell(top: Command): void {
  top.command('shell').summary('read and change znodes').description("ZooKeeper's shell: see headkeeper shell --help.");
}

function addDev(top: Command): void {
  top
    .command('dev')
    .summary('run a local ensemble')
    .description(
      'Runs an ensemble on this machine, each server in a process of its own, tells who leads and when that changes, and ' +
        'starts again whatever server ends. Kill one and watch.',
    )
    .requiredOption('--ensemble <n>', 'how many servers', wholeNumber)
    .addOption(new Option('--in <folder>', 'folder of their files; by default a temporary one, removed at the end'))
    .option(
      '--port <port>',
      'client port of the first server; the next ports are those of the others',
      wholeNumber,
      2181,
    )
    .addHelpText('after', '\nExample:\n  headkeeper dev --ensemble 3')
    .action(async (options: { ensemble: number; in?: string; port: number }) => {
      const { runDev } = await import('./commands/dev/run.ts');
      await runDev(options, process.argv[1] as string);
    });
}

function addStatus(top: Command): void {
  top
    .command('status')
    .summary('ask the servers of an ensemble for their status')
    .description(
      'Asks the servers of a connect string, and the other members that they know, and shows who leads, who follows, who ' +
        "lags and who is away. Of a standalone server it prints the answer to srvr. Works with Apache ZooKeeper's servers, too.",
    )
    .argument('[servers]', 'addresses host:port, separated by commas', '127.0.0.1:2181')
    .option('-t, --timeout <ms>', 'how long to wait for each answer', wholeNumber, 10_000)
    .option('--json', 'print one JSON object')
    .option('--only', "print one server's own answer, whatever it belongs to")
    .option('--secure', 'ask one server by TLS, with the zookeeper.ssl.* properties of CLIENT_JVMFLAGS')
    .option('--tls-of <zoo.cfg>', "ask one server by TLS, with the certificates of a server's configuration")
    .addHelpText(
      'after',
      '\nExit codes: 0 all is well, 1 nothing can be reached, 20 the server answers but does not tell, 23 the ensemble ' +
        'serves but not all of its servers are well, 24 nobody leads.',
    )
    .action(async (servers: string, options: StatusOptions) => {
      const { runStatus } = await import('./commands/status/run.ts');
      await runStatus(servers, options);
    });
}

function addInspect(top: Command): void {
  const inspect = top
    .command('inspect')
    .summary('print what is in a log or snapshot file')
    .description("Prints what is in one of the data directory's files, Headkeeper's or Apache ZooKeeper's.")
    .addHelpText('after', '\nExit codes: 0 the file is whole, 1 it cannot be read, 21 it is damaged.');
  for (const kind of ['log', 'snapshot'] as const) {
    inspect
      .command(kind)
      .description(
        kind === 'log' ? 'Prints every transaction of a log file.' : 'Prints every znode and session of a snapshot.',
      )
      .argument('<file>', kind === 'log' ? 'such as version-2/log.1' : 'such as version-2/snapshot.0')
      .option('--json', 'print one JSON object a line')
      .action(async (file: string, options: { json?: boolean }) => {
        const { runInspect } = await import('./commands/inspect/run.ts');
        await runInspect(kind, file, options.json === true);
      });
  }
}

const MOMENTS =
  '\nA point in time is a zxid (0x100000002), an ISO 8601 time (2026-01-31T14:03:07Z), seconds or milliseconds since 1970, or now.';

function addLog(top: Command): void {
  const log = top
    .command('log')
    .summary('show who changed what')
    .description(
      'Shows every change of a znode between two points in time: when, in which transaction and session, and what was there ' +
        'before and after. Without a path it shows the changes of all znodes.',
    )
    .argument('[path]', 'the znode')
    .option('--from <time>', 'from here on; by default from the oldest state that is kept')
    .option('--to <time>', 'up to here; by default up to the newest')
    .option('--recursive', 'what is below the znode, too')
    .option('--audit-log <file>', "show clients' addresses from an audit log in Apache ZooKeeper's format")
    .option('--json', 'print one JSON object a line');
  addSourceOptions(log)
    .addHelpText(
      'after',
      `${MOMENTS}\n\nExample:\n  headkeeper log /config --recursive --from 2026-01-31T14:00Z --config zoo.cfg`,
    )
    .action(async (path: string | undefined, options: LogOptions) => {
      const { runLog } = await import('./commands/log/run.ts');
      await runLog(path, options);
    });
}

function addDiff(top: Command): void {
  const diff = top
    .command('diff')
    .summary('compare two states')
    .description(
      'Shows what differs in a subtree between two points in time: znodes added and removed, data and ACLs changed.',
    )
    .argument('<time1>', 'the earlier state')
    .argument('<time2>', 'the later state')
    .argument('[path]', 'the top of the subtree; by default everything')
    .option('--server <hosts>', 'the servers that now stands for; by default it is the newest state kept')
    .option('--json', 'print one JSON object a line');
  addConnectionOptions(addSourceOptions(diff))
    .addHelpText('after', `${MOMENTS}\n\nExit codes: 0 nothing differs, 30 something does.`)
    .action(async (first: string, second: string, path: string | undefined, options: DiffOptions) => {
      const { runDiff } = await import('./commands/diff/run.ts');
      await runDiff(first, second, path, options);
    });
}

function addExport(top: Command): void {
  const command = top
    .command('export')
    .summary('write a subtree to a file')
    .description(
      'Writes a znode and all below it to standard output, with data, ACLs and stats: from a running server, or from the ' +
        'past. headkeeper import reads it.',
    )
    .argument('<path>', 'the top of the subtree')
    .addOption(new Option('--format <format>', 'how').choices(['json', 'yaml', 'tar']).default('json'))
    .option(
      '--server <hosts>',
      'from a running server: as a client, who is not told of containers and TTL znodes, and not of one point in time if it ' +
        'changes meanwhile; or exactly, from its AdminServer, http://host:8080',
    )
    .option('--at <time>', 'from the past: when; by default the newest state that is kept');
  addConnectionOptions(addSourceOptions(command))
    .addHelpText('after', `${MOMENTS}\n\nExample:\n  headkeeper export /config --server 127.0.0.1:2181 > config.json`)
    .action(async (path: string, options: ExportOptions) => {
      const { runExport } = await import('./commands/export/run.ts');
      await runExport(path, options);
    });
}

function addImport(top: Command): void {
  const command = top
    .command('import')
    .summary('write an exported subtree to a server')
    .description(
      'Creates the znodes of an export on a running server, with data and ACLs, as transactions. Ephemerals are left out.',
    )
    .argument('<file>', 'what headkeeper export has written: JSON, YAML or tar')
    .argument('<path>', 'where its top is to be; the znode above must exist')
    .requiredOption('--server <hosts>', 'addresses host:port, separated by commas; with a chroot if wanted')
    .addOption(
      new Option('--if-exists <what>', 'for znodes that exist').choices(['skip', 'replace', 'fail']).default('fail'),
    )
    .option('--dry-run', 'show what would be written')
    .option('--json', 'print JSON');
  addConnectionOptions(command)
    .addHelpText('after', '\nExit codes: 0 done, 31 something changed meanwhile, 32 znodes exist.')
    .action(async (file: string, path: string, options: ImportOptions) => {
      const { runImport } = await import('./commands/import/run.ts');
      await runImport(file, path, options);
    });
}
