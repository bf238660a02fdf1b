import { EventKind } from '../world/event-queue.ts';
import { MS, SECOND, type World } from '../world/world.ts';
import type { Host } from './host.ts';
import type { Link, WaitsForLink } from './link.ts';

/** A stream's end, as the pipes see it. */
export interface PipeEnd {
  readonly host: Host;
  /** Whether the process still holds this end. */
  readonly isThere: boolean;
  /** Runs the arrival of bytes now, or as soon as the process reads. */
  whenReading(arrive: () => void): void;
  received(bytes: Uint8Array): void;
  /** The other side has written its last. */
  endedByPeer(): void;
  closedBy(code: string | null): void;
  /** The other machine says that it knows nothing of this stream. */
  resetByPeer(): void;
  drainedByNetwork(): void;
}

interface Chunk {
  readonly bytes: Uint8Array;
  readonly at: number;
}

/** What a receiving machine keeps for a process that does not read, before the sender's writes wait on its own side. */
const WINDOW_BYTES = 64 * 1024;
/** Processes read no more than this at a time. */
const LARGEST_PIECE = 64 * 1024;
/** Longest pause before TCP sends again what a silent link has swallowed. */
const RETRANSMIT = 400 * MS;

/** One direction of a stream: bytes under way, in order, never lost unless the stream is. */
export class Pipe implements WaitsForLink {
  readonly link: Link;
  readonly #world: World;
  readonly #receiver: PipeEnd;
  readonly #sender: PipeEnd;
  readonly #chunks: Chunk[] = [];
  #head = 0;
  #bytes = 0;
  #lastAt = 0;
  /** What comes behind the last byte. */
  #ending: 'fin' | 'reset' | null = null;
  #scheduled = false;
  /** Whether the bytes vanish from now on, without a word to either side. */
  swallows = false;
  #dropped = false;
  #wasFull = false;
  readonly #onArrival = (): void => this.#arrive();
  readonly #onDelivery = (): void => this.#deliver();

  constructor(world: World, link: Link, sender: PipeEnd, receiver: PipeEnd) {
    this.#world = world;
    this.link = link;
    this.#sender = sender;
    this.#receiver = receiver;
  }

  get unsentBytes(): number {
    return Math.max(0, this.#bytes - WINDOW_BYTES);
  }

  write(bytes: Uint8Array, start: number, end: number): void {
    if (this.#ending !== null || this.#dropped || end <= start) return;
    const at = Math.max(this.#lastAt, this.#world.now + this.link.drawDelay());
    this.#lastAt = at;
    this.#chunks.push({ bytes: this.link.sent.copyOf(bytes, start, end), at });
    this.#bytes += end - start;
    if (this.#bytes > WINDOW_BYTES) this.#wasFull = true;
    this.schedule();
  }

  /** After what was written: an orderly end, or a reset, which may overtake some of it. */
  end(how: 'fin' | 'reset'): void {
    if (this.#ending !== null && how === 'fin') return;
    this.#ending = how;
    if (how === 'reset') {
      const keep = this.#head + this.link.random.below(this.#chunks.length - this.#head + 1);
      this.#cut(keep);
    }
    this.#lastAt = Math.max(this.#lastAt, this.#world.now + this.link.drawDelay());
    this.schedule();
  }

  /** The sending machine has lost its power: some of what it wrote is on the wire, the rest was never sent. */
  cutAtRandom(): void {
    const { random } = this.link;
    const keep = this.#head + random.below(this.#chunks.length - this.#head + 1);
    const last = this.#chunks[keep - 1];
    this.#cut(keep);
    if (last !== undefined && keep > this.#head && random.below(2) === 0) {
      const length = random.below(last.bytes.length + 1);
      this.#chunks[keep - 1] = { bytes: last.bytes.slice(0, length), at: last.at };
      this.#bytes -= last.bytes.length - length;
    }
    this.#dropped = true;
  }

  /** Nobody will ever read it. */
  drop(): void {
    this.#dropped = true;
    this.#chunks.length = 0;
    this.#head = 0;
    this.#bytes = 0;
    this.link.waiting.delete(this);
  }

  /** Sees to it that what can arrive does. */
  schedule(): void {
    if (this.#scheduled || (this.#dropped && this.#chunks.length === this.#head)) return;
    const next = this.#chunks[this.#head];
    if (next === undefined && this.#ending === null) return;
    if (this.link.state === 'silent') {
      this.link.waiting.add(this);
      return;
    }
    this.#scheduled = true;
    const at = Math.max(next?.at ?? this.#lastAt, this.link.stalledUntil);
    this.#world.at(at, EventKind.data, this.#receiver.host.index, this.#onArrival);
  }

  /** The link has healed. */
  healed(): void {
    this.#scheduled = true;
    const delay = this.link.random.below(RETRANSMIT);
    this.#world.after(delay, EventKind.data, this.#receiver.host.index, this.#onArrival);
  }

  #arrive(): void {
    this.#scheduled = false;
    if (this.link.state === 'silent' || this.link.stalledUntil > this.#world.now) {
      this.schedule();
      return;
    }
    if (this.swallows) {
      this.drop();
      return;
    }
    if (!this.#receiver.host.powered) {
      this.#scheduled = true;
      this.#world.after(SECOND, EventKind.data, this.#receiver.host.index, this.#onArrival);
      return;
    }
    if (!this.#receiver.isThere) {
      // Whoever sends to a process that is gone is told so, if the way back is open.
      this.#cut(this.#head);
      if (this.#sender.isThere) this.#sender.resetByPeer();
      return;
    }
    this.#receiver.whenReading(this.#onDelivery);
  }

  #deliver(): void {
    const chunk = this.#chunks[this.#head];
    if (chunk === undefined) {
      const ending = this.#ending;
      if (ending === 'fin') this.#receiver.endedByPeer();
      else if (ending === 'reset') this.#receiver.closedBy('ECONNRESET');
      return;
    }
    if (chunk.at > this.#world.now) {
      this.schedule();
      return;
    }
    let { bytes } = chunk;
    const { random, splitChance } = this.link;
    if (bytes.length > LARGEST_PIECE || (bytes.length > 1 && random.chance(splitChance))) {
      const cut = Math.min(LARGEST_PIECE, 1 + random.below(bytes.length - 1));
      this.#chunks[this.#head] = { bytes: bytes.subarray(cut), at: this.#world.now + random.below(MS) };
      bytes = bytes.subarray(0, cut);
    } else this.#head++;
    if (this.#head > 32 && this.#head * 2 > this.#chunks.length) {
      this.#chunks.splice(0, this.#head);
      this.#head = 0;
    }
    this.#bytes -= bytes.length;
    this.#world.trace.mixBytes(bytes);
    this.schedule();
    if (this.#wasFull && this.#bytes <= WINDOW_BYTES / 2) {
      this.#wasFull = false;
      this.#sender.drainedByNetwork();
    }
    this.#receiver.received(bytes);
  }

  #cut(keep: number): void {
    for (let i = keep; i < this.#chunks.length; i++) this.#bytes -= (this.#chunks[i] as Chunk).bytes.length;
    this.#chunks.length = keep;
  }
}
