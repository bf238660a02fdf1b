import { type Command, InvalidArgumentError } from 'commander';
import type { ChangeOptions, ExamineOptions } from './repair-options.ts';

const DEFAULT_JUTE_MAXBUFFER = 1_048_575;
const EXIT_CODES =
  '\nExit codes: 0 done, or nothing to do; 3 a server uses the directory; 50 nothing was changed, because it was not ' +
  'confirmed; 51 it was refused, and the message says why.';

/** Declares `repair` and what belongs to it. */
export function addRepairCommands(top: Command): void {
  const repair = top
    .command('repair')
    .summary('examine and mend a damaged data directory')
    .description(
      "Examines and mends the data directory of a server that is stopped, Headkeeper's or Apache ZooKeeper's. What changes " +
        'something shows first what it will do, and asks. It keeps a copy of every file that it changes, in ' +
        'repair-<time> in the data directory; "repair undo" puts them back.',
    );
  addExamine(repair);
  addCutTail(repair);
  addRecord(repair);
  addSnapshot(repair);
  addEpochs(repair);
  addUndo(repair);
}

function addExamine(repair: Command): void {
  repair
    .command('examine')
    .description(
      'Tells what is in a data directory, what is wrong with it, and what a start would do. Changes nothing.',
    )
    .argument('<dataDir>', 'the folder with version-2 in it')
    .option('--data-log-dir <dir>', 'the folder with the logs, if that is another')
    .option('--jute-maxbuffer <bytes>', 'jute.maxbuffer of the server', bytes, DEFAULT_JUTE_MAXBUFFER)
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExit codes: 0 nothing is wrong; 52 something is wrong, and a start copes without losing a transaction; 21 a ' +
        'Headkeeper start refuses the directory, or would load a wrong state.\n\nExample:\n  headkeeper repair examine /var/lib/zookeeper',
    )
    .action(async (dataDir: string, options: ExamineOptions) => {
      const { runExamine } = await import('./examine.ts');
      runExamine(dataDir, options);
    });
}

function addCutTail(repair: Command): void {
  const command = repair
    .command('cut-tail')
    .description('Cuts a log file: behind its last whole record, or where you say.')
    .argument('<log>', 'such as /var/lib/zookeeper/version-2/log.100000001')
    .option('--at <offset>', 'cut at this byte, where a record ends', offset)
    .option('--after <zxid>', 'cut behind this transaction', zxid)
    .option('--accept-loss', 'whole transactions may be lost');
  logChange(command).action(async (log: string, options: ChangeOptions & { at?: number; after?: number }) => {
    const { runCutTail } = await import('./change-log.ts');
    await runCutTail(log, options);
  });
}

function addRecord(repair: Command): void {
  const command = repair
    .command('record')
    .description(
      'Shows a record of a log file and what is wrong with it. Mends what can be mended beyond doubt: a length, an end mark, ' +
        "the upper half of a checksum, the file's header.",
    )
    .argument('<log>', 'such as /var/lib/zookeeper/version-2/log.100000001')
    .requiredOption('--at <offset>', 'where the record begins; 0 for the header of the file', offset)
    .option('--drop', 'give the record up: transactions without effect take its place')
    .option('--accept-loss', 'more transactions may be lost than the damaged bytes can have held');
  logChange(command).action(async (log: string, options: ChangeOptions & { at: number; drop?: true }) => {
    const { runRecord } = await import('./change-log.ts');
    await runRecord(log, options);
  });
}

function addSnapshot(repair: Command): void {
  const command = repair
    .command('snapshot')
    .description('Writes a snapshot from an older one and the logs, exact at the transaction; damaged snapshots go.')
    .argument('<dataDir>', 'the folder with version-2 in it')
    .option('--at <zxid>', 'the state after this transaction; by default the last one', zxid)
    .option('--accept-loss', 'what only a damaged snapshot held may be lost');
  directoryChange(command).action(async (dataDir: string, options: ChangeOptions & { at?: number }) => {
    const { runSnapshot } = await import('./change-directory.ts');
    await runSnapshot(dataDir, options);
  });
}

function addEpochs(repair: Command): void {
  const command = repair
    .command('epochs')
    .description('Sets acceptedEpoch and currentEpoch right, from the history.')
    .argument('<dataDir>', 'the folder with version-2 in it');
  directoryChange(command).action(async (dataDir: string, options: ChangeOptions) => {
    const { runEpochs } = await import('./change-directory.ts');
    await runEpochs(dataDir, options);
  });
}

function addUndo(repair: Command): void {
  const command = repair
    .command('undo')
    .description('Puts back what a repair changed, unless it has changed since.')
    .argument('<folder>', 'such as /var/lib/zookeeper/repair-20260131T140307000Z');
  directoryChange(command).action(async (folder: string, options: ChangeOptions) => {
    const { runUndo } = await import('./change-directory.ts');
    await runUndo(folder, options);
  });
}

function logChange(command: Command): Command {
  return change(command.option('--data-dir <dir>', 'the folder with the snapshots, if that is another'));
}

function directoryChange(command: Command): Command {
  return change(command.option('--data-log-dir <dir>', 'the folder with the logs, if that is another'));
}

function change(command: Command): Command {
  return command
    .option('--jute-maxbuffer <bytes>', 'jute.maxbuffer of the server', bytes, DEFAULT_JUTE_MAXBUFFER)
    .option('--yes', 'do it without asking')
    .option('--json', 'print one JSON object; asks nothing')
    .addHelpText('after', EXIT_CODES);
}

function offset(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Expected a position in bytes.');
  return Number(text);
}

function bytes(text: string): number {
  const value = offset(text);
  if (value < 1024 || value > 0x3fffffff) throw new InvalidArgumentError('Expected a number of bytes from 1024 on.');
  return value;
}

function zxid(text: string): number {
  const value = /^0x[0-9a-f]{1,16}$/i.test(text) || /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError('Expected a zxid, such as 0x10000002a.');
  return value;
}
