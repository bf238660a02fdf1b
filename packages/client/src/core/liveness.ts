import type { Timer } from '../ports.ts';
import type { BacklogPorts } from './backlog.ts';
import type { Connection } from './connection.ts';

/** How long a connection that looks dead gets to show what has arrived while this process stood still; milliseconds. */
const GRACE_MS = 20;
/** The longest without a word to the server; milliseconds. */
const LONGEST_SILENCE_MS = 10_000;

export interface LivenessListener {
  /** Nothing has come for two thirds of the timeout, or no answer for all of it. */
  silent(): void;
  /** From now on the servers may have ended the session. */
  uncertain(): void;
}

/**
 * Keeps a session alive and knows for how long it lives for certain (client-protocol reference, 7.2): pings when nothing
 * was sent for a third of the timeout, or for ten seconds. Servers count the timeout from what they have received, so it surely runs until a
 * timeout after the last request was sent that has been answered.
 */
export class Liveness {
  readonly #ports: BacklogPorts;
  readonly #listener: LivenessListener;
  #timeoutMs = 0;
  #confirmedAt = Number.NEGATIVE_INFINITY;
  /** When the pings were sent that are not answered. */
  #pings: number[] = [];
  /** Requests may be sent: before, only the exchange of identities goes on. */
  #isReady = false;
  /** The connection looked dead when it was last looked at. */
  #isSuspect = false;
  #watch: Timer | null = null;
  #doubt: Timer | null = null;

  constructor(ports: BacklogPorts, listener: LivenessListener) {
    this.#ports = ports;
    this.#listener = listener;
  }

  get certainForMs(): number {
    return Math.max(0, this.#confirmedAt + this.#timeoutMs - this.#ports.nowMs());
  }

  /** The session is on this connection now; its handshake was the last that was sent. */
  attached(connection: Connection, timeoutMs: number): void {
    this.#timeoutMs = timeoutMs;
    this.#confirmedAt = connection.sentAt;
    this.#pings = [];
    this.#isReady = false;
    this.#isSuspect = false;
    this.#doubt?.cancel();
    this.#look(connection);
  }

  /** Requests may be sent on it now. */
  ready(connection: Connection): void {
    this.#isReady = true;
    this.#watch?.cancel();
    this.#look(connection);
  }

  /** A request sent at that time has been answered. */
  confirm(sentAt: number): void {
    if (sentAt > this.#confirmedAt) this.#confirmedAt = sentAt;
  }

  ponged(): void {
    const sentAt = this.#pings.shift();
    if (sentAt !== undefined) this.confirm(sentAt);
  }

  /** There is no connection; the session lives on for a while. */
  detached(): void {
    this.#watch?.cancel();
    this.#doubt?.cancel();
    const left = this.certainForMs;
    // Timers may be early by a fraction of a millisecond.
    if (left > 0) this.#doubt = this.#ports.after(Math.ceil(left), () => this.detached());
    else this.#listener.uncertain();
  }

  /** There is no session any more. */
  ended(): void {
    this.#watch?.cancel();
    this.#doubt?.cancel();
    this.#confirmedAt = Number.NEGATIVE_INFINITY;
  }

  #look(connection: Connection): void {
    const now = this.#ports.nowMs();
    const third = this.#timeoutMs / 3;
    // Events alone show no life: our requests may be lost on their way, and the server takes us for dead. Who holds something by the
    // session hears of it when the session is certain no longer: by then the grace is over.
    const deadAt = Math.min(connection.heardAt + 2 * third, this.#confirmedAt + this.#timeoutMs - GRACE_MS);
    if (now >= deadAt) {
      if (this.#isSuspect) {
        this.#listener.silent();
        return;
      }
      this.#isSuspect = true;
      this.#watch = this.#ports.after(GRACE_MS, () => this.#look(connection));
      return;
    }
    this.#isSuspect = false;
    const pingAfter = Math.min(third, LONGEST_SILENCE_MS);
    if (this.#isReady && now >= connection.sentAt + pingAfter) {
      this.#pings.push(now);
      connection.sendPing();
    }
    const next = this.#isReady ? Math.min(deadAt, connection.sentAt + pingAfter) : deadAt;
    this.#watch = this.#ports.after(Math.max(1, next - now), () => this.#look(connection));
  }
}
