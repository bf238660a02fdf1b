/** What a run has come by; a run that meets nothing proves nothing. */
export interface Counts {
  runs: number;
  events: number;
  simulatedMicros: number;
  writes: number;
  answers: number;
  watchEvents: number;
  sessionsExpired: number;
  elections: number;
  diffs: number;
  truncs: number;
  snaps: number;
  crashes: number;
  /** Crashes of machines whose disks held something unsynced. */
  unsyncedCrashes: number;
  kills: number;
  stops: number;
  pauses: number;
  partitions: number;
  resets: number;
  wipes: number;
  /** Servers that have ended by themselves, as they must when their disk fails. */
  diskErrors: number;
  /** Faults that may have damaged what was on a disk. */
  damages: number;
  /** Starts on damaged disks behind which the server served again. */
  mendings: number;
  /** Runs that ended with a loss that the disks of most servers excuse. */
  excused: number;
  /** Runs in which the disks of most servers were damaged so that nobody served any more. */
  halted: number;
  /** Changes of the membership that an operator was told to be done. */
  reconfigurations: number;
  /** States that took the place of those of serving leaders. */
  restores: number;
  restarts: number;
  treeChecks: number;
  commitChecks: number;
  ackChecks: number;
}

export function noCounts(): Counts {
  return {
    runs: 0,
    events: 0,
    simulatedMicros: 0,
    writes: 0,
    answers: 0,
    watchEvents: 0,
    sessionsExpired: 0,
    elections: 0,
    diffs: 0,
    truncs: 0,
    snaps: 0,
    crashes: 0,
    unsyncedCrashes: 0,
    kills: 0,
    stops: 0,
    pauses: 0,
    partitions: 0,
    resets: 0,
    wipes: 0,
    diskErrors: 0,
    damages: 0,
    mendings: 0,
    excused: 0,
    halted: 0,
    reconfigurations: 0,
    restores: 0,
    restarts: 0,
    treeChecks: 0,
    commitChecks: 0,
    ackChecks: 0,
  };
}

export function addCounts(sum: Counts, more: Counts): void {
  for (const key of Object.keys(sum) as (keyof Counts)[]) sum[key] += more[key];
}
