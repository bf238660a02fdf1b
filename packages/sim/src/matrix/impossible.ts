import { DISK_FAULTS, REFUSALS } from '../plan/disk-faults.ts';
import type { Phase } from './phase.ts';

/** Cells of the fault matrix that no run can fill. One that a run fills all the same is reported: its reason is wrong. */
export interface Impossible {
  /** Null: all faults. */
  readonly faults: readonly string[] | null;
  readonly phases: RegExp;
  readonly reason: string;
}

const ALONE = /^alone, /;
const DOWN = /^down$/;
/** Of voters: an observer can be anywhere while they are calm. */
const NOT_CALM = /^(looking, log on its way|leading|following)(?!.*, (idle|snapshot)$)/;
const OF_PROCESSES: readonly string[] = [
  'crash',
  'kill',
  'stop',
  'pause',
  'diskError',
  'halfOpen',
  'reset',
  'lostWrite',
  'misdirectedWrite',
  'failedSync',
  'lyingDisk',
];

/** The first that fits counts. */
export const IMPOSSIBLE: readonly Impossible[] = [
  {
    faults: null,
    phases: /^observing, txns under way$/,
    reason: 'observers hear of txns when they are committed, and apply them in the same step',
  },
  {
    faults: OF_PROCESSES,
    phases: DOWN,
    reason: 'a machine that is down has no process, no streams and no disk at work',
  },
  {
    faults: ['wipe'],
    phases: DOWN,
    reason: 'a disk is only lost under a server that runs: of another one nobody knows what it has',
  },
  {
    faults: ['partition', 'wipe'],
    phases: ALONE,
    reason: 'a server alone has nobody to be parted from, and nobody to give its state back',
  },
  {
    faults: DISK_FAULTS.filter((fault) => !REFUSALS.includes(fault)),
    phases: ALONE,
    reason:
      'a server alone has nobody to take anything from: it ends at its start, as the disk matrix with real servers shows',
  },
  {
    faults: ['wipe'],
    phases: NOT_CALM,
    reason: 'a disk is only lost while every voter serves and has everything: then nothing can be lost with it',
  },
];

/** Why a fault never strikes in a phase; null where it can. */
export function reasonAgainst(fault: string, phase: Phase): string | null {
  const fits = ({ faults, phases }: Impossible): boolean =>
    (faults === null || faults.includes(fault)) && phases.test(phase);
  return IMPOSSIBLE.find(fits)?.reason ?? null;
}
