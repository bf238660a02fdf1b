import { RandomStream } from '@headkeeper/testkit';
import { type EventHandle, EventQueue } from './event-queue.ts';
import { Trace } from './trace.ts';

/** Microseconds in a millisecond and in a second: virtual time is counted in whole microseconds. */
export const MS = 1000;
export const SECOND = 1_000_000;

/**
 * Virtual time and everything that is going to happen. One event after the other, each a synchronous call; time jumps from one
 * to the next. All randomness comes from streams of the one seed.
 */
export class World {
  readonly seed: number;
  readonly trace: Trace;
  /** Microseconds since the world began. */
  now = 0;
  /** Number of the host whose process is running; -1: none. */
  actor = -1;
  /** What went wrong inside a call that must not throw; ends the run behind the event that is happening. */
  failure: Error | null = null;
  /** Events so far. */
  events = 0;
  readonly #queue: EventQueue = new EventQueue();
  readonly #ties: RandomStream;
  readonly #streams: Map<string, RandomStream> = new Map();
  #stopped = false;
  /** What waits for the promises of the event that is happening. */
  #deferred: (() => void)[] = [];
  #hasPromises = false;

  constructor(seed: number, trace: Trace = new Trace()) {
    this.seed = seed;
    this.trace = trace;
    this.#ties = this.stream('ties');
  }

  /** The random stream of a name. */
  stream(name: string): RandomStream {
    let found = this.#streams.get(name);
    if (found === undefined) {
      found = new RandomStream(this.seed, name);
      this.#streams.set(name, found);
    }
    return found;
  }

  /** `action` happens at a time, which is not in the past; `kind` and `owner` (a number of a host) go into the trace. */
  at(time: number, kind: number, owner: number, action: () => void): EventHandle {
    return this.#queue.push(Math.max(time, this.now), this.#ties.next(), kind, owner, action);
  }

  after(delay: number, kind: number, owner: number, action: () => void): EventHandle {
    return this.at(this.now + delay, kind, owner, action);
  }

  cancel(handle: EventHandle): void {
    this.#queue.cancel(handle);
  }

  /** Something is wrong that whoever is called now might swallow. The first counts. */
  fail(error: Error): void {
    this.failure ??= error;
  }

  /** Ends `runUntil` after the event that is happening. */
  stop(): void {
    this.#stopped = true;
  }

  /** Lets everything happen up to a time, or until `stop`. */
  runUntil(time: number): void {
    this.#stopped = false;
    while (!this.#stopped && this.#queue.nextAt <= time) {
      this.#next();
      if (this.failure !== null) throw this.failure;
    }
    if (!this.#stopped && this.now < time) this.now = time;
  }

  /**
   * As `runUntil`, with programs that make promises among those that act: behind an event in which one of them did something,
   * `turn` lets all promises run dry, then what they have deferred happens, before the next event.
   */
  async runTurnsUntil(time: number, turn: () => Promise<void>): Promise<void> {
    this.#stopped = false;
    while (!this.#stopped && this.#queue.nextAt <= time) {
      this.#next();
      if (this.#hasPromises) await this.#settle(turn);
      if (this.failure !== null) throw this.failure;
    }
    if (!this.#stopped && this.now < time) this.now = time;
  }

  /** A program that makes promises acts in this event. */
  promises(): void {
    this.#hasPromises = true;
  }

  /** `action` happens in this event, when the promises have run dry. */
  defer(action: () => void): void {
    this.#hasPromises = true;
    this.#deferred.push(action);
  }

  async #settle(turn: () => Promise<void>): Promise<void> {
    this.#hasPromises = false;
    await turn();
    while (this.#deferred.length > 0) {
      const deferred = this.#deferred;
      this.#deferred = [];
      for (const action of deferred) action();
      await turn();
    }
    this.#hasPromises = false;
  }

  #next(): void {
    const queue = this.#queue;
    const action = queue.pop();
    if (action === null) return;
    this.now = queue.at;
    this.events++;
    this.trace.mixLarge(queue.at);
    this.trace.mix(queue.kind * 65536 + queue.owner);
    action();
  }

  tell(line: () => string): void {
    const { tell } = this.trace;
    if (tell !== null) tell(`${(this.now / SECOND).toFixed(6)} ${line()}`);
  }
}
