import { counterOf, epochOf } from '@headkeeper/protocol';

/** More moments than this are thinned out: the oldest stays exact. */
const MOST_MOMENTS = 4096;

/** How far the target is behind this server, from when txns were committed and how far was shipped. */
export class Lag {
  readonly #moments: { readonly zxid: number; readonly atMs: number }[] = [];
  #committed: number | null = null;
  #shipped: number | null = null;

  get committedZxid(): number | null {
    return this.#committed;
  }

  /** Everything up to `zxid` is committed. */
  committed(zxid: number, nowMs: number): void {
    if (this.#committed !== null && zxid <= this.#committed) return;
    this.#committed = zxid;
    if (this.#shipped !== null && zxid <= this.#shipped) return;
    this.#moments.push({ zxid, atMs: nowMs });
    if (this.#moments.length > MOST_MOMENTS) {
      const kept = this.#moments.filter((_, i) => i === 0 || i % 2 === 1);
      this.#moments.splice(0, this.#moments.length, ...kept);
    }
  }

  /** Somebody else ships: what is committed until then is taken for shipped. */
  notOurs(zxid: number): void {
    this.#committed = zxid;
    this.#shipped = zxid;
    this.#moments.length = 0;
  }

  shipped(zxid: number | null): void {
    this.#shipped = zxid;
    if (zxid === null) return;
    const waiting = this.#moments.findIndex((moment) => moment.zxid > zxid);
    this.#moments.splice(0, waiting < 0 ? this.#moments.length : waiting);
  }

  /** Milliseconds since the oldest txn that is not in the target was seen. */
  ms(nowMs: number): number {
    const oldest = this.#moments[0];
    return oldest === undefined ? 0 : Math.max(0, nowMs - oldest.atMs);
  }

  /** Txns that are not in the target; over a change of epoch, those of the present one. */
  get txns(): number {
    const committed = this.#committed;
    const shipped = this.#shipped;
    if (committed === null || (shipped !== null && shipped >= committed)) return 0;
    const sameEpoch = shipped !== null && epochOf(shipped) === epochOf(committed);
    return sameEpoch ? committed - shipped : Math.max(1, counterOf(committed));
  }
}
