import { type Command, InvalidArgumentError, Option } from 'commander';

export const MODES = ['get', 'set', 'create', 'mix', 'exists', 'children', 'connect', 'fill', 'fanout'] as const;

export type Mode = (typeof MODES)[number];

export interface BenchOptions {
  /** Addresses separated by commas. */
  readonly server: string;
  readonly mode: Mode;
  readonly connections: number;
  /** Requests that each connection keeps in flight. */
  readonly window: number;
  readonly seconds: number;
  readonly warmUp: number;
  readonly readPercent: number;
  readonly valueBytes: number;
  readonly keys: number;
  readonly prefix: string;
  readonly json?: boolean;
  readonly progress: boolean;
}

/** Requests that one connection may have in flight. */
export const MAX_WINDOW = 4095;

/** Declares the options of `bench`. */
export function addBenchOptions(command: Command): Command {
  return command
    .option('-s, --server <host:port,...>', 'servers, used in turn', '127.0.0.1:2181')
    .addOption(new Option('-m, --mode <mode>', 'what to do').choices(MODES).default('get'))
    .option('-c, --connections <n>', 'connections', between(1, 100_000), 50)
    .option('-w, --window <n>', 'requests that each connection keeps in flight', between(1, MAX_WINDOW), 1)
    .option('-t, --seconds <n>', 'how long to measure', between(1, 86_400), 10)
    .option('--warm-up <n>', 'seconds before measuring begins', between(0, 3600), 1)
    .option('-r, --read-percent <n>', 'share of reads in mode mix', between(0, 100), 90)
    .option('-v, --value-bytes <n>', 'size of the data of a znode', between(0, 1_000_000), 100)
    .option('-k, --keys <n>', 'znodes that are read and written', between(1, 100_000_000), 1000)
    .option('-p, --prefix <path>', 'parent of these znodes, which is created and stays', pathOption, '/bench')
    .option('-j, --json', 'print the result as one line of JSON')
    .option('--no-progress', 'print nothing while measuring')
    .addHelpText(
      'after',
      `
Modes:
  get set exists  on KEYS znodes of VALUE_BYTES
  mix             READ_PERCENT of get, the rest set
  children        lists the parent of KEYS znodes
  create          makes persistent sequential znodes
  connect         opens and closes sessions, one after another on each connection
  fill            only creates the KEYS znodes
  fanout          every connection watches one znode; an operation is a watch event delivered, timed from the
                  moment the change was sent

Exit codes: 0 done, 1 a server cannot be reached or closed a connection, 22 requests were answered with errors.`,
    );
}

function between(from: number, to: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d{1,9}$/.test(text) || value < from || value > to) {
      throw new InvalidArgumentError(`Expected a whole number from ${from} to ${to}.`);
    }
    return value;
  };
}

function pathOption(text: string): string {
  if (!/^(\/[^/\s]+)+$/.test(text)) throw new InvalidArgumentError('Expected a path such as /bench.');
  return text;
}
