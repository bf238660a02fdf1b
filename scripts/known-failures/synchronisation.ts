import { SCENARIOS } from '@headkeeper/sim/scenarios';
import type { Entry } from './entry.ts';

/** Each is a script of the simulator over a whole ensemble. */
export const SYNCHRONISATION: readonly Entry[] = SCENARIOS.filter(({ id }) => id.startsWith('S')).map(
  ({ id, name }) => ({
    id,
    title: name,
    proofs: [{ scenario: id }],
  }),
);
