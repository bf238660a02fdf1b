import { limits } from '../../limits.ts';

/**
 * The greatest epoch in which each other server is known to have been, as long as this process lives. An epoch that was entered is on
 * the disk: a server that says less later has lost its disk, or got an old one, and with it what it has acknowledged (known
 * failure D20). It cannot know that; whoever remembers can.
 */
export class RememberedEpochs {
  readonly #epochs: Map<number, number> = new Map();
  readonly #told: Map<number, string> = new Map();
  readonly #words: string[] = [];

  /** The server has said so itself. */
  says(sid: number, epoch: number): void {
    if (epoch > this.of(sid) && epoch <= limits.largestEpoch) this.#epochs.set(sid, epoch);
  }

  of(sid: number): number {
    return this.#epochs.get(sid) ?? 0;
  }

  /**
   * Whether the server, which says that it is in this epoch, may count where it is asked what was acknowledged. Not when it has been in a
   * later one, unless a server in epoch `own` asks, which knows of that one itself.
   */
  counts(sid: number, epoch: number, own: number): boolean {
    const was = this.of(sid);
    if (epoch >= was) return true;
    const words = `server ${sid} says that it is in epoch ${epoch}, and has been in ${was}: its disk is not the one that it had`;
    if (this.#told.get(sid) !== words) this.#words.push(words);
    this.#told.set(sid, words);
    return was <= own;
  }

  get hasWords(): boolean {
    return this.#words.length > 0;
  }

  /** What was found of such servers since this was asked last, once of each. */
  takeWords(): string[] {
    return this.#words.splice(0);
  }
}
