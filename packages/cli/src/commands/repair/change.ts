import process from 'node:process';
import { createInterface } from 'node:readline/promises';
import { carryOut, type HistoryFolders, type RepairPlan } from '@headkeeper/server/internal';
import { CommandError, ExitCode } from '../../exit-codes.ts';
import { withErrors } from './directory.ts';
import type { ChangeOptions } from './repair-options.ts';
import { disk, sizeOf, working } from './working.ts';

const INDENT = '  ';

/** What is printed as JSON of a plan, done or not. */
export function planFacts({ steps, losses, notes }: RepairPlan, done: boolean, kept: string | null): object {
  return { steps, losses, notes, done, kept };
}

/** Shows a plan, asks, and does it. `facts` go into the JSON object beside it. */
export async function settle(
  folders: HistoryFolders,
  plan: RepairPlan,
  options: ChangeOptions,
  facts: object = {},
): Promise<void> {
  const json = options.json === true;
  const { notes, changes } = plan;
  const print = (done: boolean, kept: string | null): void => {
    process.stdout.write(`${JSON.stringify({ ...facts, ...planFacts(plan, done, kept) })}\n`);
  };
  if (changes.length === 0) {
    if (json) print(false, null);
    else process.stdout.write(`${[...notes, 'There is nothing to do.'].join('\n')}\n`);
    return;
  }
  if (!json) process.stdout.write(planText(plan));
  if (options.yes !== true && !(await isConfirmed(json))) {
    if (json) print(false, null);
    throw new CommandError('nothing was changed: say --yes to do it', ExitCode.unconfirmed);
  }
  const command = process.argv.slice(2).join(' ');
  const kept = withErrors(() =>
    working('Writing', 'writtenBytes', bytesToWrite(folders, plan), () =>
      carryOut(folders, plan, { command, wallMs: Date.now() }),
    ),
  );
  if (json) print(true, kept);
  else process.stdout.write(`Done. What was there before is in ${kept}; "headkeeper repair undo" puts it back.\n`);
}

/** About: a copy of every file that changes, and what takes its place. */
function bytesToWrite({ snapshotFolder }: HistoryFolders, { changes }: RepairPlan): number {
  const snapshots = disk.listSync(snapshotFolder).filter((name) => name.startsWith('snapshot.'));
  const largest = snapshots.reduce((most, name) => Math.max(most, sizeOf(`${snapshotFolder}/${name}`)), 0);
  return changes.reduce((sum, { kind, folder, name }) => {
    const size = sizeOf(`${folder}/${name}`);
    if (kind === 'remove') return sum + size;
    return sum + size + (name.startsWith('snapshot.') ? largest : size);
  }, 0);
}

function planText({ steps, losses, notes }: RepairPlan): string {
  const lines = ['This repair', ...steps.map((step) => `${INDENT}- ${step}`)];
  if (losses.length > 0) lines.push('and loses for good', ...losses.map((loss) => `${INDENT}- ${loss}`));
  lines.push(...notes);
  return `${lines.join('\n')}\n`;
}

/** Asks on a terminal; elsewhere nobody can answer. */
async function isConfirmed(json: boolean): Promise<boolean> {
  if (json || process.stdin.isTTY !== true || process.stdout.isTTY !== true) return false;
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await lines.question('Do this? [y/N] ');
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}
