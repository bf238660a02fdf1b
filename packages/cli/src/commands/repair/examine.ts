import { existsSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { examine, repairFolders } from '@headkeeper/server/internal';
import { ExitCode } from '../../exit-codes.ts';
import { startProgress } from '../../progress.ts';
import { find, usersOf, withErrors } from './directory.ts';
import { examinationFacts, examinationText } from './examination-text.ts';
import type { ExamineOptions } from './repair-options.ts';

/** Examines a data directory and tells the outcome, also by the exit code. */
export function runExamine(dataDir: string, options: ExamineOptions): void {
  const folders = find((disk) => repairFolders(disk, dataDir, options.dataLogDir ?? null));
  const users = usersOf(folders);
  const progress = startProgress('Examining', 'bytes', null);
  const found = withErrors(() => {
    try {
      return examine(folders, {
        juteMaxBuffer: options.juteMaxbuffer,
        progress: (done, total) => progress.at(done, total),
      });
    } finally {
      progress.end();
    }
  });
  const isMember = existsSync(`${folders.dataDir}/myid`);
  const myid = isMember ? readFileSync(`${folders.dataDir}/myid`, 'utf8').trim() : null;
  if (options.json === true) process.stdout.write(`${JSON.stringify(examinationFacts(found, users, myid))}\n`);
  else process.stdout.write(examinationText(found, users, myid));
  if (found.state === 'damaged') process.exitCode = ExitCode.damaged;
  else if (found.state === 'serves') process.exitCode = ExitCode.flawed;
}
