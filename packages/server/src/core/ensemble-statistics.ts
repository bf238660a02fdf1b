/** Observed times, in milliseconds. */
export class Observations {
  count = 0;
  sum = 0;
  min = 0;
  max = 0;

  add(value: number): void {
    if (this.count === 0 || value < this.min) this.min = value;
    if (value > this.max) this.max = value;
    this.count++;
    this.sum += value;
  }
}

/** What a server of an ensemble has done since its process began. */
export class EnsembleStatistics {
  elections = 0;
  /** Times that it gave up to lead because its voters had left it. */
  disloyalVoters = 0;
  proposals = 0;
  commits = 0;
  proposalsReceived = 0;
  commitsReceived = 0;
  diffSyncs = 0;
  truncSyncs = 0;
  snapSyncs = 0;
  revalidations = 0;
  readonly electionTime: Observations = new Observations();
  /** From elected to serving, of a leader. */
  readonly leaderUnavailableTime: Observations = new Observations();
  /** From the end of one role to serving in the next. */
  readonly unavailableTime: Observations = new Observations();
  /** From connected to up to date, of this learner. */
  readonly followerSyncTime: Observations = new Observations();
  readonly observerSyncTime: Observations = new Observations();
  readonly proposalSize: { last: number; min: number; max: number } = { last: -1, min: -1, max: -1 };
  /** When the present role began, when serving ended, and when it began again; monotonic. */
  roleBeganMs = 0;
  unavailableSinceMs: number | null = null;

  proposed(bytes: number): void {
    this.proposals++;
    const size = this.proposalSize;
    size.last = bytes;
    if (size.min < 0 || bytes < size.min) size.min = bytes;
    if (bytes > size.max) size.max = bytes;
  }

  /** The server serves from now on. */
  serves(nowMs: number): void {
    if (this.unavailableSinceMs !== null) this.unavailableTime.add(nowMs - this.unavailableSinceMs);
    this.unavailableSinceMs = null;
  }
}
