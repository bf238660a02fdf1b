import type { DiskOperation, SimDisk } from './sim-disk.ts';
import type { CrashKind } from './sim-inode.ts';

/** One crash: the disk as it is after the reboot, and how it came about. */
export interface CrashPoint {
  /** Owned by the visitor. */
  readonly disk: SimDisk;
  /** Says where and how, to be put into messages. */
  readonly label: string;
}

export interface CrashPlan {
  /** Seeds of the torn crashes at each point, beside one that loses everything unsynced and one that keeps it. */
  readonly tornSeeds: readonly number[];
  /** The seed of the disks after the crashes. */
  readonly diskSeed?: number;
}

/**
 * Runs `workload` once on the disk and crashes a copy of it before every operation that changes it, and at the end.
 * `visit` is called at that moment, so that what the workload has been promised so far can be compared with the copy.
 * Returns the number of crashes.
 */
export function exploreCrashes(
  disk: SimDisk,
  plan: CrashPlan,
  workload: () => void,
  visit: (point: CrashPoint) => void,
): number {
  let crashes = 0;
  const crash = (kind: CrashKind, seed: number, label: string): void => {
    const copy = disk.fork(plan.diskSeed);
    copy.crash(kind, seed);
    crashes++;
    visit({ disk: copy, label: `${label}, ${kind === 'torn' ? `torn with seed ${seed}` : kind}` });
  };
  const crashEveryWay = (label: string): void => {
    crash('lose', 0, label);
    crash('keep', 0, label);
    for (const seed of plan.tornSeeds) crash('torn', seed, label);
  };
  disk.beforeOperation = (count: number, operation: DiskOperation, path: string): void => {
    crashEveryWay(`crash before operation ${count} (${operation} ${path})`);
  };
  try {
    workload();
  } finally {
    disk.beforeOperation = null;
  }
  crashEveryWay('crash at the end');
  return crashes;
}
