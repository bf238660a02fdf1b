import type { Timer } from '../ports.ts';
import { type Call, CallState } from './call.ts';
import { CallQueue } from './call-queue.ts';

export interface BacklogLimits {
  readonly maxPending: number;
  readonly maxPendingBytes: number;
  readonly requestTimeoutMs: number;
}

/** The clock and timers of the client's ports. */
export interface BacklogPorts {
  nowMs(): number;
  after(ms: number, call: () => void): Timer;
}

/** Callers' requests: those that wait to be sent, how much is pending in all, and those that have waited too long. */
export class Backlog {
  /** Made and not sent. */
  readonly queue: CallQueue = new CallQueue();
  readonly #ports: BacklogPorts;
  readonly #limits: BacklogLimits;
  readonly #sent: () => CallQueue | undefined;
  readonly #lastFailure: () => Error | null;
  readonly #removed: (call: Call) => void;
  #pending = 0;
  #pendingBytes = 0;
  #waiting: (() => void)[] = [];
  #sweep: Timer | null = null;
  #isOver = false;

  /**
   * @param sent the requests that wait for an answer on the connection.
   * @param lastFailure what went wrong with a connection, as the cause of requests that get no answer.
   * @param removed hears of each call that counts no longer.
   */
  constructor(
    ports: BacklogPorts,
    limits: BacklogLimits,
    sent: () => CallQueue | undefined,
    lastFailure: () => Error | null,
    removed: (call: Call) => void,
  ) {
    this.#removed = removed;
    this.#ports = ports;
    this.#limits = limits;
    this.#sent = sent;
    this.#lastFailure = lastFailure;
  }

  get pending(): number {
    return this.#pending;
  }

  /** What speaks against another request; null: nothing. */
  get fullness(): string | null {
    const { maxPending, maxPendingBytes } = this.#limits;
    if (this.#pending < maxPending && this.#pendingBytes < maxPendingBytes) return null;
    return `${this.#pending} requests of ${this.#pendingBytes} bytes are pending; wait for room()`;
  }

  add(call: Call): void {
    this.#pending++;
    this.#pendingBytes += call.bytes;
    this.#sweep ??= this.#ports.after(this.#limits.requestTimeoutMs, () => this.#sweepOverdue());
  }

  /**
   * A call was given up. One that was sent counts until the connection has it no more: a server that does not answer is not
   * asked for more and more.
   */
  gaveUp(call: Call, wasSent: boolean): void {
    if (wasSent) return;
    this.queue.gaveUp();
    this.remove(call);
  }

  /** Neither the queue nor a connection has the call any more: it counts no longer. */
  remove(call: Call): void {
    if (call.isInternal) return;
    this.#pending--;
    this.#pendingBytes -= call.bytes;
    this.#removed(call);
    if (this.#waiting.length > 0 && this.#hasRoom()) this.#letIn();
  }

  /** Resolves when less than half of the allowed requests are pending. */
  room(): Promise<void> {
    if (this.#hasRoom()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Nothing is pending any more, and nothing will be. */
  end(): void {
    this.#isOver = true;
    this.#sweep?.cancel();
    this.#letIn();
  }

  #letIn(): void {
    for (const go of this.#waiting.splice(0)) go();
  }

  #hasRoom(): boolean {
    const { maxPending, maxPendingBytes } = this.#limits;
    return this.#isOver || (this.#pending * 2 < maxPending && this.#pendingBytes * 2 < maxPendingBytes);
  }

  #sweepOverdue(): void {
    this.#sweep = null;
    const now = this.#ports.nowMs();
    let next = Number.POSITIVE_INFINITY;
    const overdue: Call[] = [];
    for (const queue of [this.#sent(), this.queue]) {
      for (const call of queue?.open() ?? []) {
        if (call.dueAt === Number.POSITIVE_INFINITY) continue;
        if (call.dueAt > now) {
          next = Math.min(next, call.dueAt);
          break;
        }
        overdue.push(call);
      }
    }
    const detail = `no answer within ${this.#limits.requestTimeoutMs} ms`;
    const cause = this.#lastFailure() ?? undefined;
    for (const call of overdue) {
      const wasSent = call.state === CallState.sent;
      call.failWith('requestTimeout', call.outcomeIfGivenUp, { detail, cause });
      this.gaveUp(call, wasSent);
    }
    if (next !== Number.POSITIVE_INFINITY) this.#sweep = this.#ports.after(next - now + 1, () => this.#sweepOverdue());
  }
}
