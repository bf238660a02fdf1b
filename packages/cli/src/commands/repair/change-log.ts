import { basename } from 'node:path';
import process from 'node:process';
import {
  type CutPlace,
  examineRecord,
  foldersOfLog,
  planCutTail,
  planDrop,
  planFix,
} from '@headkeeper/server/internal';
import { CommandError, ExitCode } from '../../exit-codes.ts';
import { planFacts, settle } from './change.ts';
import { find, holding, withErrors } from './directory.ts';
import { recordFacts, recordText } from './record-text.ts';
import type { ChangeOptions } from './repair-options.ts';
import { sizeOf, startBytes, working } from './working.ts';

/** Cuts a log file. */
export async function runCutTail(
  log: string,
  options: ChangeOptions & { readonly at?: number; readonly after?: number },
): Promise<void> {
  const { at, after } = options;
  if (at !== undefined && after !== undefined) throw new CommandError('say --at or --after, not both', ExitCode.usage);
  let place: CutPlace = 'last-good';
  if (at !== undefined) place = { offset: at };
  else if (after !== undefined) place = { zxid: after };
  const folders = find((disk) => foldersOfLog(disk, log, options.dataDir ?? null));
  await holding(folders, () => {
    // The log itself, and a start with the files as they are and as they are to be.
    const total = 2 * sizeOf(log) + 2 * startBytes(folders);
    const plan = withErrors(() =>
      working('Examining', 'readBytes', total, () => planCutTail(folders, basename(log), place, planOptions(options))),
    );
    return settle(folders, plan, options);
  });
}

/** Shows a record, and mends it or takes it out. */
export async function runRecord(
  log: string,
  options: ChangeOptions & { readonly at: number; readonly drop?: true },
): Promise<void> {
  const folders = find((disk) => foldersOfLog(disk, log, options.dataDir ?? null));
  await holding(folders, async () => {
    const record = withErrors(() =>
      working('Examining', 'readBytes', sizeOf(log), () =>
        examineRecord(folders, basename(log), options.at, options.juteMaxbuffer),
      ),
    );
    if (options.json !== true) process.stdout.write(recordText(record));
    const plan = withErrors(() =>
      working('Planning', 'readBytes', startBytes(folders), () =>
        options.drop === true
          ? planDrop(folders, record, planOptions(options))
          : planFix(folders, record, planOptions(options)),
      ),
    );
    const facts = recordFacts(record);
    if (plan !== null) return settle(folders, plan, options, facts);
    const nothing = { steps: [], losses: [], notes: [], changes: [] };
    if (record.diagnosis.fault === 'whole') return settle(folders, nothing, options, facts);
    if (options.json === true) {
      process.stdout.write(`${JSON.stringify({ ...facts, ...planFacts(nothing, false, null) })}\n`);
    }
    throw new CommandError(
      'nothing makes this record right beyond doubt. --drop gives it up; if nothing follows it, "repair cut-tail" does',
      ExitCode.damaged,
    );
  });
}

function planOptions(options: ChangeOptions): { juteMaxBuffer: number; acceptLoss: boolean } {
  return { juteMaxBuffer: options.juteMaxbuffer, acceptLoss: options.acceptLoss === true };
}
