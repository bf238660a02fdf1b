import { CLIENTS } from './clients.ts';
import { DISK } from './disk.ts';
import { ELECTION } from './election.ts';
import type { Entry } from './entry.ts';
import { OVERLOAD } from './overload.ts';
import { RECONFIGURATION } from './reconfiguration.ts';
import { SECURITY } from './security.ts';
import { SESSIONS } from './sessions.ts';
import { SYNCHRONISATION } from './synchronisation.ts';
import { WATCHES } from './watches.ts';

/** What is written down, in the order of the catalogue. */
export const REGISTRY: readonly Entry[] = [
  ...ELECTION,
  ...SYNCHRONISATION,
  ...DISK,
  ...SESSIONS,
  ...WATCHES,
  ...RECONFIGURATION,
  ...CLIENTS,
  ...OVERLOAD,
  ...SECURITY,
];
