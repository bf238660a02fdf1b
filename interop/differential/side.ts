import type { SideMapping, Value } from './decode.ts';
import type { Endpoint } from './link.ts';

/** Times of transactions may differ from this process's clock by at most this. */
const CLOCK_TOLERANCE = 3600_000;

/**
 * One of the two servers as the comparison sees it: turns session ids into ordinals, zxids into the left side's
 * numbering, and times into a mask, after checking that each transaction has one time of its own.
 */
export class Side implements SideMapping {
  readonly name: string;
  readonly endpoint: Endpoint;
  #ordinals = new Map<bigint, number>();
  /** Where the numbering moved apart, latest first: zxids from `from` on are `by` too high. */
  #shifts: { from: number; by: number }[] = [];
  #pairs = new Map<number, number>();
  #times = new Map<number, number>();
  /** The highest zxid seen in its replies, in its own numbering. */
  highest = 0;

  constructor(name: string, endpoint: Endpoint) {
    this.name = name;
    this.endpoint = endpoint;
  }

  /** Gives the next session's id its ordinal. False if this side has used the id before. */
  addSession(id: bigint, ordinal: number): boolean {
    if (this.#ordinals.has(id)) return false;
    this.#ordinals.set(id, ordinal);
    return true;
  }

  session(value: bigint): Value {
    if (value === 0n) return 0;
    const ordinal = this.#ordinals.get(value);
    return ordinal === undefined ? `unknown session 0x${BigInt.asUintN(64, value).toString(16)}` : `session ${ordinal}`;
  }

  zxid(value: number): number {
    if (value > this.highest) this.highest = value;
    const paired = this.#pairs.get(value);
    if (paired !== undefined) return paired;
    for (const shift of this.#shifts) if (value >= shift.from) return value - shift.by;
    return value;
  }

  /** Declares that what this side calls `own` from now on is the left side's `left`. */
  align(own: number, left: number): void {
    const by = own - left;
    if ((this.#shifts[0]?.by ?? 0) !== by) this.#shifts.unshift({ from: own, by });
  }

  /** Declares that one zxid of this side, of a change made by one side only, stands for the left side's `left`. */
  pair(own: number, left: number): void {
    if (this.zxid(own) !== left) this.#pairs.set(own, left);
  }

  times(czxid: number, ctime: number, mzxid: number, mtime: number): Value {
    const created = this.#check(czxid, ctime);
    const modified = this.#check(mzxid, mtime);
    return created ?? modified ?? '*';
  }

  #check(zxid: number, time: number): string | null {
    const known = this.#times.get(zxid);
    if (known !== undefined) return known === time ? null : `two times for one zxid: ${known} and ${time}`;
    if (zxid === 0 ? time !== 0 : Math.abs(time - Date.now()) > CLOCK_TOLERANCE) return `odd time ${time}`;
    this.#times.set(zxid, time);
    return null;
  }
}
