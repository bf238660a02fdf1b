/** What the clients of a run saw, as a file in the format of docs/internals/histories.md. */

import { closeSync, openSync, writeSync } from 'node:fs';

/** Microseconds of the clock that all processes of a machine share. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

export interface HistoryLine {
  readonly kind: 'call' | 'return' | 'event' | 'session' | 'note';
  readonly client: string;
  readonly at: number;
  readonly session: string;
  readonly [field: string]: unknown;
}

/** One file for all clients: whoever asks for them writes down what they were asked, before, and what they answered. */
export class HistoryFile {
  readonly path: string;
  lines = 0;
  readonly #descriptor: number;

  constructor(path: string, source: string) {
    this.path = path;
    this.#descriptor = openSync(path, 'wx');
    // Not every library hands over events and answers in the order of the wire.
    writeSync(this.#descriptor, `${JSON.stringify({ kind: 'history', version: 1, source, wireOrder: false })}\n`);
  }

  add(line: HistoryLine): void {
    this.lines++;
    writeSync(this.#descriptor, `${JSON.stringify(line)}\n`);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
