import { PLANTED_BUGS } from '../planted/bugs.ts';
import type { Guard } from './scenario.ts';

/** A guard that is taken out by one change of the emitted code. */
export function guard(where: string, file: string, find: string, put: string): Guard {
  return { where, edits: [{ file, find, put }], why: null };
}

/** A guard that is also taken out for random seeds to find. */
export function guardOf(where: string, bug: string): Guard {
  const found = PLANTED_BUGS.find(({ name }) => name === bug);
  if (found === undefined) throw new Error(`no planted bug is called ${bug}`);
  return { where, edits: found.edits, why: null };
}

/** Nothing that could be taken out: the design has no such place. */
export function byDesign(where: string, why: string): Guard {
  return { where, edits: null, why };
}
