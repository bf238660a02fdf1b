import { BACKUP } from './backup-command.ts';
import { INSIGHT_LISTINGS } from './insight-commands.ts';
import type { DescribedCommand } from './openapi.ts';
import { OPERATOR_LISTINGS } from './operator-commands.ts';
import { RESTORE } from './restore-command.ts';
import { SNAPSHOT } from './snapshot-command.ts';

/** The commands that have a way of their own to answer, as they are described. */
export const OWN_LISTINGS: readonly DescribedCommand[] = [
  ...[SNAPSHOT, RESTORE, BACKUP],
  ...OPERATOR_LISTINGS,
  ...INSIGHT_LISTINGS,
];
