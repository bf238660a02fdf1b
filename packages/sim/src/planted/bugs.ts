import type { PlantedBug } from './planted-bug.ts';
import { ANSWER_BUGS } from './server/answers.ts';
import { COMMIT_BUGS } from './server/commits.ts';
import { ELECTION_BUGS } from './server/elections.ts';
import { HISTORY_BUGS } from './server/histories.ts';
import { JOIN_BUGS } from './server/joins.ts';
import { SESSION_BUGS } from './server/sessions.ts';
import { STORAGE_BUGS } from './server/storage.ts';

/**
 * Bugs of the server, each known from somewhere. Each takes one guard out; where an assertion in production would stop it at
 * once, that is taken out, too.
 */
export const PLANTED_BUGS: readonly PlantedBug[] = [
  ...ELECTION_BUGS,
  ...JOIN_BUGS,
  ...HISTORY_BUGS,
  ...COMMIT_BUGS,
  ...STORAGE_BUGS,
  ...SESSION_BUGS,
  ...ANSWER_BUGS,
];
