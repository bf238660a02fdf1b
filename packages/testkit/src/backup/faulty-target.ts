import { type BackupTarget, TargetError, type TargetFailure, type TargetObject } from '@headkeeper/server/internal';
import { SeededRandom } from '../disk/seeded-random.ts';

export type TargetOperation = 'put' | 'get' | 'list' | 'remove';

/** What goes wrong with one request. */
export type TargetFault =
  /** It fails with this and leaves nothing behind. */
  | { readonly kind: 'fails'; readonly failure: TargetFailure }
  /** The connection is lost in the middle: of a put nothing is kept, of a get some bytes arrive first. */
  | { readonly kind: 'lost-in-the-middle' }
  /** The put is carried out, and the connection is lost before the answer. */
  | { readonly kind: 'answer-lost' }
  /** A part of the object is kept under its name and the put fails: what a target may do that breaks its promise. */
  | { readonly kind: 'half-written' }
  /** It takes this long, and then succeeds. */
  | { readonly kind: 'slow'; readonly ms: number };

/** How often what goes wrong, in requests of a hundred each; drawn by the seed. */
export interface FaultOdds {
  readonly fails?: number;
  readonly lostInTheMiddle?: number;
  readonly answerLost?: number;
  readonly slow?: number;
  /** Milliseconds of a slow request. */
  readonly slowMs?: number;
}

/**
 * A target in front of another one that goes wrong: on order (`next`, `failing`, `freezeListing`) or by odds drawn from a
 * seed, so that the same requests in the same order meet the same faults.
 */
export class FaultyTarget implements BackupTarget {
  readonly description: string;
  /** Requests that arrived, in order: what was asked and of which object. */
  readonly requests: { readonly operation: TargetOperation; readonly name: string }[] = [];
  readonly #target: BackupTarget;
  readonly #random: SeededRandom;
  readonly #pause: (ms: number) => Promise<void>;
  readonly #queued = new Map<TargetOperation, TargetFault[]>();
  #failing: TargetFailure | null = null;
  #odds: FaultOdds = {};
  #frozen: TargetObject[] | null = null;

  /** @param pause Lets the milliseconds of slow requests pass */
  constructor(target: BackupTarget, seed: number, pause: (ms: number) => Promise<void> = () => Promise.resolve()) {
    this.#target = target;
    this.#random = new SeededRandom(seed);
    this.#pause = pause;
    this.description = target.description;
  }

  /** The next request of this kind meets the fault; several orders are met one after the other. */
  next(operation: TargetOperation, fault: TargetFault): void {
    const queue = this.#queued.get(operation) ?? [];
    queue.push(fault);
    this.#queued.set(operation, queue);
  }

  /** From now on every request fails with this; null ends it. A full target refuses puts only. */
  failing(failure: TargetFailure | null): void {
    this.#failing = failure;
  }

  /** From now on requests meet faults by these odds. */
  odds(odds: FaultOdds): void {
    this.#odds = odds;
  }

  /** From now on listings show what is there now, until `thawListing`. */
  async freezeListing(): Promise<void> {
    const objects: TargetObject[] = [];
    for await (const object of this.#target.list('', new AbortController().signal)) objects.push(object);
    this.#frozen = objects;
  }

  thawListing(): void {
    this.#frozen = null;
  }

  async put(name: string, body: AsyncIterable<Uint8Array> | Uint8Array, signal: AbortSignal): Promise<void> {
    const fault = await this.#meet('put', name, signal);
    if (fault?.kind === 'half-written' || fault?.kind === 'lost-in-the-middle') {
      const bytes = await half(body);
      if (fault.kind === 'half-written') await this.#target.put(name, bytes, signal);
      throw this.#lost('put', name);
    }
    await this.#target.put(name, body, signal);
    if (fault?.kind === 'answer-lost') throw this.#lost('put', name);
  }

  settled(signal: AbortSignal): Promise<void> {
    return this.#target.settled(signal);
  }

  async *get(name: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const fault = await this.#meet('get', name, signal);
    if (fault?.kind !== 'lost-in-the-middle') {
      yield* this.#target.get(name, signal);
      return;
    }
    yield await half(this.#target.get(name, signal));
    throw this.#lost('get', name);
  }

  async *list(prefix: string, signal: AbortSignal): AsyncGenerator<TargetObject> {
    const fault = await this.#meet('list', prefix, signal);
    if (this.#frozen !== null) {
      for (const object of this.#frozen) if (object.name.startsWith(prefix)) yield object;
      return;
    }
    let sent = 0;
    for await (const object of this.#target.list(prefix, signal)) {
      if (fault?.kind === 'lost-in-the-middle' && sent > 0) break;
      yield object;
      sent += 1;
    }
    if (fault?.kind === 'lost-in-the-middle') throw this.#lost('list', prefix);
  }

  async remove(name: string, signal: AbortSignal): Promise<void> {
    const fault = await this.#meet('remove', name, signal);
    if (fault?.kind === 'lost-in-the-middle') throw this.#lost('remove', name);
    await this.#target.remove(name, signal);
    if (fault?.kind === 'answer-lost') throw this.#lost('remove', name);
  }

  close(): Promise<void> {
    return this.#target.close();
  }

  /** The fault of this request, after those that need no more than waiting or failing are done with. */
  async #meet(operation: TargetOperation, name: string, signal: AbortSignal): Promise<TargetFault | null> {
    signal.throwIfAborted();
    this.requests.push({ operation, name });
    if (this.#failing !== null && (this.#failing !== 'full' || operation === 'put'))
      throw this.#failed(operation, name, this.#failing);
    const fault = this.#queued.get(operation)?.shift() ?? this.#draw();
    if (fault?.kind === 'fails') throw this.#failed(operation, name, fault.failure);
    if (fault?.kind === 'slow') {
      await this.#pause(fault.ms);
      signal.throwIfAborted();
    }
    return fault;
  }

  #draw(): TargetFault | null {
    const { fails = 0, lostInTheMiddle = 0, answerLost = 0, slow = 0, slowMs = 1000 } = this.#odds;
    // One number for each request, whatever the odds are: a change of one leaves the draws of the others alone.
    let left = this.#random.below(100);
    if (left < fails) return { kind: 'fails', failure: 'unreachable' };
    left -= fails;
    if (left < lostInTheMiddle) return { kind: 'lost-in-the-middle' };
    left -= lostInTheMiddle;
    if (left < answerLost) return { kind: 'answer-lost' };
    left -= answerLost;
    return left < slow ? { kind: 'slow', ms: slowMs } : null;
  }

  #failed(operation: TargetOperation, name: string, failure: TargetFailure): TargetError {
    return new TargetError(failure, `cannot ${operation} ${name} (${this.description}): ${failure}, as ordered`);
  }

  #lost(operation: TargetOperation, name: string): TargetError {
    return new TargetError('unreachable', `cannot ${operation} ${name} (${this.description}): the connection was lost`);
  }
}

/** The first half of what arrives. */
async function half(body: AsyncIterable<Uint8Array> | Uint8Array): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body instanceof Uint8Array ? [body] : body) chunks.push(chunk);
  const whole = Buffer.concat(chunks);
  return whole.subarray(0, whole.length >> 1);
}
