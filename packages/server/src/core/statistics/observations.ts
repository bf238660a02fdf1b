/** Values below this have a place of their own; a larger one shares its place with values that differ by a sixteenth at most. */
const EXACT = 32;
const PLACES = 448;
/** Small values, which most are, need no more. */
const FIRST_PLACES = 64;
const LARGEST = 2147483647;
const NOTHING = new Float64Array(0);

/** What is known of some observed values. */
export interface Distribution {
  readonly count: number;
  readonly sum: number;
  /** 0 when there are none. */
  readonly min: number;
  readonly max: number;
  /** How many values lie in each place (`placeOf`), as far as there are any. */
  readonly counts: Float64Array;
}

/**
 * Observed values: whole numbers such as milliseconds, bytes or lengths of queues. Memory is taken with the first one, and
 * once more with the first large one; nothing is allocated after that. Values mostly repeat: the same one again is only
 * counted, and entered later.
 */
export class Observations implements Distribution {
  #count = 0;
  #sum = 0;
  #min = 0;
  #max = 0;
  #counts: Float64Array = NOTHING;
  /** The latest value, and how often it has come since it was entered last. */
  #value = 0;
  #times = 0;

  add(value: number): void {
    if (value === this.#value) this.#times++;
    else this.#enter(value, 1);
  }

  /** The same value, so many times. Negative ones, of clocks that were set back, count as 0. */
  addMany(value: number, times: number): void {
    if (value === this.#value) this.#times += times;
    else this.#enter(value, times);
  }

  get count(): number {
    return this.#count + this.#times;
  }

  get sum(): number {
    this.#settle();
    return this.#sum;
  }

  get min(): number {
    this.#settle();
    return this.#min;
  }

  get max(): number {
    this.#settle();
    return this.#max;
  }

  get counts(): Float64Array {
    this.#settle();
    return this.#counts;
  }

  #enter(value: number, times: number): void {
    this.#settle();
    this.#value = value < 0 ? 0 : value;
    this.#times = times;
  }

  #settle(): void {
    const times = this.#times;
    if (times === 0) return;
    const value = this.#value;
    this.#times = 0;
    if (this.#count === 0) {
      this.#min = value;
    } else if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    this.#count += times;
    this.#sum += value * times;
    const place = placeOf(value);
    if (place >= this.#counts.length) this.#grow(place);
    this.#counts[place] += times;
  }

  #grow(place: number): void {
    const counts = new Float64Array(place < FIRST_PLACES ? FIRST_PLACES : PLACES);
    counts.set(this.#counts);
    this.#counts = counts;
  }
}

/** The number of a value's place. */
export function placeOf(value: number): number {
  const whole = value > LARGEST ? LARGEST : value | 0;
  if (whole < EXACT) return whole;
  const shift = 27 - Math.clz32(whole);
  return (shift << 4) + (whole >>> shift);
}

/** The value in the middle of a place. */
export function valueOfPlace(place: number): number {
  if (place < EXACT) return place;
  const shift = (place >> 4) - 1;
  const lowest = (place - (shift << 4)) * 2 ** shift;
  return lowest + Math.floor((2 ** shift - 1) / 2);
}

/**
 * The value that the part `rank` (0 to 1) of the values does not exceed; 0 when there are none. Exact below 32, within 3 %
 * above.
 */
export function quantile({ counts, count, min, max }: Distribution, rank: number): number {
  if (count === 0) return 0;
  const wanted = Math.max(1, Math.ceil(count * rank));
  let seen = 0;
  for (let place = 0; place < counts.length; place++) {
    seen += counts[place];
    if (seen >= wanted) return Math.min(max, Math.max(min, valueOfPlace(place)));
  }
  return max;
}
