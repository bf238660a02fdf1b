/** Mutated frames: half of them begin as a client's requests inside a session, the others are garbage or meet a handshake. */

import { SeededRandom } from '@headkeeper/testkit';
import { validHandshake, validRequest } from './draft.ts';
import { framed, garbage, type Mutated, mutate } from './mutations.ts';
import { RawConnection, Violation } from './raw-connection.ts';

const WORKERS = 16;
/** Frames in one write, at most. */
const BATCH = 64;
const BATCHES_PER_CONNECTION = 12;
/** Of so many connections one is for handshakes that are spoiled. */
const SPOILED_HANDSHAKES = 6;
/** How long a server may take to drop a connection that is out of step; then it is left alone. */
const OUT_OF_STEP_MS = 10;

export interface FrameFuzzOptions {
  readonly port: number;
  readonly frames: number;
  readonly seed: number;
  readonly progress: (handled: number) => void;
}

export interface FrameFuzzResult {
  /** Frames that the server has answered or closed the connection for. */
  readonly handled: number;
  /** Of these, how many began as requests inside a session. */
  readonly insideSession: number;
  readonly handshakes: number;
  readonly connections: number;
  readonly kinds: ReadonlyMap<string, number>;
}

interface Session {
  readonly id: bigint;
  readonly passwd: Buffer;
}

/** What a worker sent last, to be sent again. */
export class FrameViolation extends Violation {
  readonly frames: readonly string[];

  constructor(message: string, frames: readonly Buffer[]) {
    super(message);
    this.name = 'FrameViolation';
    this.frames = frames.map((frame) => frame.toString('hex'));
  }
}

/** @throws FrameViolation when the server does what it must not. */
export async function fuzzFrames(options: FrameFuzzOptions): Promise<FrameFuzzResult> {
  const tally = new Tally(options);
  await Promise.all(Array.from({ length: WORKERS }, (_, index) => new Worker(index, options, tally).run()));
  return tally;
}

class Tally implements FrameFuzzResult {
  handled = 0;
  insideSession = 0;
  handshakes = 0;
  connections = 0;
  readonly kinds: Map<string, number> = new Map();
  readonly #options: FrameFuzzOptions;

  constructor(options: FrameFuzzOptions) {
    this.#options = options;
  }

  get isDone(): boolean {
    return this.handled >= this.#options.frames;
  }

  add(batch: readonly Mutated[], handled: number, inside: number): void {
    this.handled += handled;
    this.insideSession += inside;
    for (const { kinds } of batch.slice(0, handled)) {
      for (const kind of kinds) this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + 1);
    }
    this.#options.progress(this.handled);
  }
}

class Worker {
  readonly #random: SeededRandom;
  readonly #options: FrameFuzzOptions;
  readonly #tally: Tally;
  readonly #address: string;
  #session: Session | null = null;
  #connections = 0;
  #last: Buffer[] = [];

  constructor(index: number, options: FrameFuzzOptions, tally: Tally) {
    this.#random = new SeededRandom(options.seed * 1_000 + index);
    this.#options = options;
    this.#tally = tally;
    this.#address = `127.0.${100 + index}.`;
  }

  async run(): Promise<void> {
    try {
      while (!this.#tally.isDone) {
        if (this.#random.below(SPOILED_HANDSHAKES) === 0) await this.#spoiledHandshake();
        else await this.#insideSession();
      }
    } catch (error) {
      if (error instanceof Violation) throw new FrameViolation(error.message, this.#last);
      throw error;
    }
  }

  #connect(): RawConnection {
    this.#tally.connections++;
    const address = `${this.#address}${1 + (this.#connections++ % 250)}`;
    return new RawConnection(this.#options.port, address, true);
  }

  async #spoiledHandshake(): Promise<void> {
    const random = this.#random;
    const draft = validHandshake(random.chance() ? this.#session : null);
    const spoiled = random.below(5) === 0 ? garbage(random) : mutate(draft, random);
    const connection = this.#connect();
    this.#last = [spoiled.frame];
    const behind = random.chance() ? this.#batch().map(({ frame }) => frame) : [];
    await connection.leave(Buffer.concat([spoiled.frame, ...behind]), OUT_OF_STEP_MS);
    this.#tally.handshakes++;
    this.#tally.add([spoiled], 1, 0);
    // It may have taken the session over, and closed it.
  }

  async #insideSession(): Promise<void> {
    const random = this.#random;
    const connection = this.#connect();
    const answer = await connection.greet(framed(validHandshake(this.#session).written()));
    if (answer === null || answer.length < 36 || answer.readInt32BE(4) === 0) {
      this.#session = null;
      connection.destroy();
      return;
    }
    this.#session = { id: answer.readBigInt64BE(8), passwd: Buffer.from(answer.subarray(20, 36)) };
    for (let left = 1 + random.below(BATCHES_PER_CONNECTION); left > 0 && !this.#tally.isDone; left--) {
      const batch = this.#batch();
      const outOfStep = batch.findIndex(({ inStep }) => !inStep);
      const whole = outOfStep < 0 ? batch : batch.slice(0, outOfStep);
      this.#last = batch.map(({ frame }) => frame);
      const { handled, isOpen } = await connection.round(whole.map(({ frame }) => frame));
      const inside = whole.slice(0, handled).filter(({ kinds }) => kinds[0] !== 'garbage').length;
      this.#tally.add(whole, handled, inside);
      if (!isOpen) return;
      if (outOfStep >= 0) {
        await connection.leave((batch[outOfStep] as Mutated).frame, OUT_OF_STEP_MS);
        this.#tally.add([batch[outOfStep] as Mutated], 1, 1);
        return;
      }
    }
    connection.destroy();
  }

  /** Frames for one write; what ends the connection, at most one, comes last. */
  #batch(): Mutated[] {
    const random = this.#random;
    const batch: Mutated[] = [];
    let last: Mutated | null = null;
    for (let left = 1 + random.below(BATCH); left > 0; left--) {
      const one = random.below(5) < 2 ? garbage(random) : mutate(validRequest(random.below(1 << 30), random), random);
      if (!endsConnection(one)) batch.push(one);
      // The rarest kind is kept.
      else if (last === null || last.inStep) last = one;
    }
    return last === null || random.below(3) > 0 ? batch : [...batch, last];
  }
}

/** Opcodes that leave the connection open: all that clients may send, but auth and closeSession. */
function endsConnection({ frame, inStep }: Mutated): boolean {
  if (!inStep || frame.length < 12) return true;
  const opcode = frame.readInt32BE(8);
  const isKnown = (opcode >= 1 && opcode <= 22 && ![10, 13, 20].includes(opcode)) || (opcode >= 101 && opcode <= 107);
  return !isKnown;
}
