import { once } from 'node:events';
import process from 'node:process';

/** Lines on standard output, gathered into larger writes; nothing piles up when the reader is slow. */
export class LineOutput {
  #text = '';

  line(text: string): void {
    this.#text += text;
    this.#text += '\n';
  }

  /** Writes what was gathered, and waits while standard output is full. */
  async flush(): Promise<void> {
    const text = this.#text;
    this.#text = '';
    if (text !== '' && !process.stdout.write(text)) await once(process.stdout, 'drain');
  }
}
