import { CHANGES } from './changes.ts';
import { CUTTING } from './cutting.ts';
import { DISKS } from './disks.ts';
import { ELECTIONS } from './elections.ts';
import { JOINING } from './joining.ts';
import { MACHINES } from './machines.ts';
import type { Scenario } from './scenario.ts';
import { SESSIONS } from './sessions.ts';
import { WINDOWS } from './windows.ts';

/** All scenarios, in the order of the catalogue's entries. */
export const SCENARIOS: readonly Scenario[] = [
  ...CHANGES,
  ...CUTTING,
  ...DISKS,
  ...ELECTIONS,
  ...JOINING,
  ...MACHINES,
  ...SESSIONS,
  ...WINDOWS,
].sort((a, b) => (a.id < b.id ? -1 : 1));
