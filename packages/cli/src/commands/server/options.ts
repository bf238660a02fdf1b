import { type Command, Option } from 'commander';
import { CommandError, ExitCode } from '../../exit-codes.ts';
import { wholeNumber } from '../../whole-number.ts';
import type { CheckConfigOptions } from '../check-config/run.ts';

const DEFAULT_CLIENT_PORT = 2181;

interface ServerOptions {
  readonly define?: string[];
  readonly ensemble?: number;
  readonly checkConfig?: true;
}

/** Adds `headkeeper server`. */
export function addServer(top: Command): void {
  top
    .command('server')
    .summary('run a server in the foreground')
    .description(
      'Runs a server in the foreground until SIGTERM or SIGINT: one of an ensemble if the file lists its servers, else a ' +
        'standalone one. Without a file it serves 127.0.0.1:2181 and keeps its data in ./data.\nSystem properties in SERVER_JVMFLAGS and JVMFLAGS (-Dzookeeper.x=y) are read too; ' +
        'the file wins over them, -D wins over the file.',
    )
    .argument('[words...]', "a configuration file; or, as Apache's server, PORT DATADIR [TICKTIME] [MAXCNXNS]")
    .addOption(defineOption())
    .option('--ensemble <n>', 'run a local ensemble instead: see headkeeper dev', wholeNumber)
    .option('--check-config', 'do not start: print the configuration, as headkeeper check-config does')
    .addHelpText('after', '\nExample:\n  headkeeper server -D clientPort=2182 -D dataDir=/var/lib/headkeeper')
    .action(async (words: string[], options: ServerOptions) => {
      if (options.ensemble !== undefined) {
        const useless = words[0] ?? (options.define === undefined ? options.checkConfig && '--check-config' : '-D');
        if (useless !== undefined) {
          const why = 'each server of a local ensemble gets a configuration of its own; leave one of them out';
          throw new CommandError(`${useless} and --ensemble do not go together: ${why}`, ExitCode.usage);
        }
        const { runDev } = await import('../dev/run.ts');
        return runDev({ ensemble: options.ensemble, port: DEFAULT_CLIENT_PORT }, process.argv[1] as string);
      }
      if (options.checkConfig) {
        const { checkConfig } = await import('../check-config/run.ts');
        return checkConfig(words, options.define === undefined ? {} : { define: options.define });
      }
      const { runServer } = await import('./run.ts');
      await runServer(words, options.define ?? []);
    });
}

/** Adds `headkeeper check-config`. */
export function addCheckConfig(top: Command): void {
  top
    .command('check-config')
    .summary('check a configuration without starting a server')
    .description(
      'Reads a configuration as a server would, and prints every setting with its value and where that comes from: a line ' +
        'of the file, the environment, the command line, or the default. Secrets are not shown. Nothing is started or changed.',
    )
    .argument('[words...]', 'what headkeeper server would be given')
    .addOption(defineOption())
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExit codes: 0 it can be served, 2 it cannot; all that is wrong is named.')
    .action(async (words: string[], options: CheckConfigOptions) => {
      const { checkConfig } = await import('../check-config/run.ts');
      checkConfig(words, options);
    });
}

/** Adds `headkeeper container`. */
export function addContainer(top: Command): void {
  top
    .command('container')
    .summary('run a server in a container')
    .description(
      "Runs a server, configured by the environment as Apache ZooKeeper's official image is: ZOO_MY_ID, ZOO_SERVERS, " +
        'ZOO_TICK_TIME, ZOO_CFG_EXTRA and the others. zoo.cfg and myid are written where they are missing, and used as they are ' +
        'where they are not.',
    )
    .action(async () => {
      const { runContainer } = await import('../container/run.ts');
      await runContainer();
    });
}

function defineOption(): Option {
  return new Option('-D, --define <key=value>', 'set a key as if it stood in the file; may be repeated').argParser(
    collect,
  );
}

function collect(value: string, earlier: string[] | undefined): string[] {
  return [...(earlier ?? []), value];
}
