import { limits } from '../../limits.ts';

/** A leader leads again for the sake of one voter no more often than that, whatever voters say. */
const RESTS_MS = 30_000;
/** Epochs beyond are left to elections: what voters say to a leader that is established takes no more than half of them all. */
const LAST_BELIEVED = Math.floor(limits.largestEpoch / 2);

/**
 * Voters that have promised a later epoch than that of their leader, and so can never follow it (law 27): as a candidate whose
 * followers ended before they had promised it, too, or by a digit of `acceptedEpoch` that has become another. Like a leader
 * that hears of a later term in Raft, theirs lets itself be elected again, in an epoch beyond that; Apache's leaves them out
 * until there is another election.
 *
 * It promises nothing on their word: the next leader hears of it again. One whose votes say that it has been in a later epoch
 * has another history, not only a promise. It would win the election, and make its history everybody's: nothing is done for it.
 */
export class LaterPromises {
  /** Monotonic milliseconds. */
  #restsUntilMs = 0;

  /**
   * Whether the leader of `epoch` is to lead again, for a voter that has promised the epoch `accepted` and whose votes have
   * said that it was in epoch `was`.
   */
  heed(accepted: number, was: number, epoch: number, nowMs: number): boolean {
    if (accepted <= epoch || accepted > LAST_BELIEVED || was > epoch || nowMs < this.#restsUntilMs) return false;
    this.#restsUntilMs = nowMs + RESTS_MS;
    return true;
  }
}
