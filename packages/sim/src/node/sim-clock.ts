import type { Clock } from '@headkeeper/server/internal';
import { MS, type World } from '../world/world.ts';

/** Wall time of a clock without offset when the world begins: an arbitrary moment. */
const EPOCH_MS = 1_700_000_000_000;

/**
 * The clocks of one machine. The monotonic one drifts by a constant rate; the wall clock may step besides. Both run on while
 * the process stands still or is dead.
 */
export class SimClock implements Clock {
  readonly #world: World;
  /** Millionths by which this clock is fast; negative: slow. */
  readonly driftMillionths: number;
  /** What the wall clock is off by, in milliseconds. */
  wallOffsetMs = 0;

  constructor(world: World, driftMillionths: number) {
    this.#world = world;
    this.driftMillionths = driftMillionths;
  }

  /** Microseconds on this machine's monotonic clock. */
  get micros(): number {
    const { now } = this.#world;
    return now + Math.floor((Math.floor(now / MS) * this.driftMillionths) / 1000);
  }

  monotonicMs(): number {
    return Math.floor(this.micros / MS);
  }

  wallMs(): number {
    return EPOCH_MS + this.wallOffsetMs + this.monotonicMs();
  }

  preciseMs(): number {
    return this.micros / MS;
  }

  /** Virtual microseconds that pass while this clock counts so many milliseconds. */
  toVirtual(ms: number): number {
    return Math.ceil((ms * 1_000_000 * MS) / (1_000_000 + this.driftMillionths));
  }
}
