import { setTimeout as pause } from 'node:timers/promises';
import type { PeerStream, PeerStreamHandler } from '../../src/ports.ts';

/** Writes down what a stream reports. */
export class Recorder implements PeerStreamHandler {
  stream: PeerStream | null = null;
  isOpen = false;
  drains = 0;
  whenOpen: () => void = () => {};
  readonly ends: (Error | null)[] = [];
  readonly #chunks: Buffer[] = [];

  received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  opened(): void {
    this.isOpen = true;
    this.whenOpen();
  }

  data(bytes: Uint8Array): void {
    this.#chunks.push(Buffer.from(bytes));
  }

  drained(): void {
    this.drains++;
  }

  closed(error: Error | null): void {
    this.ends.push(error);
  }
}

/** Resolves when the condition holds; rejects after ten seconds. */
export async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; !condition(); i++) {
    if (i > 2_000) throw new Error(`never came: ${condition}`);
    await pause(5);
  }
}
