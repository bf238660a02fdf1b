import { setTimeout as pause } from 'node:timers/promises';
import type { LaunchedServer } from '../peers/server-process.ts';

const MEGABYTE = 1 << 20;
/** Resident memory may end this much above where it was after the warm-up, and be this much above it for a while. */
const MOST_GROWTH = 64 * MEGABYTE;
const MOST_PEAK = 192 * MEGABYTE;

/** Resident memory of a process, watched. */
export class Memory {
  readonly #server: LaunchedServer;
  #before = 0;
  #most = 0;
  #after = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(server: LaunchedServer) {
    this.#server = server;
  }

  begin(): void {
    this.#before = this.#server.residentBytes();
    this.#timer = setInterval(() => this.#look(), 250);
  }

  async settle(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await pause(2_000);
    this.#look();
  }

  get text(): string {
    const [before, most, after] = [this.#before, this.#most, this.#after].map((b) => (b / MEGABYTE).toFixed(0));
    return `${before} MB after the warm-up, ${after} MB now, ${most} MB at most`;
  }

  faults(): string[] {
    const faults: string[] = [];
    if (this.#after > this.#before + MOST_GROWTH) faults.push(`memory has grown: ${this.text}`);
    if (this.#most > this.#before + MOST_PEAK) faults.push(`memory had a peak: ${this.text}`);
    return faults;
  }

  #look(): void {
    if (!this.#server.running) return;
    this.#after = this.#server.residentBytes();
    this.#most = Math.max(this.#most, this.#after);
  }
}
