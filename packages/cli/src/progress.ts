import process from 'node:process';
import { type Options, SingleBar } from 'cli-progress';

/** What is counted. */
export type ProgressUnit = 'bytes' | 'znodes' | 'txns';

/** Where progress is shown; standard error in production. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** The progress of one piece of work. Amounts are in its unit. */
export interface Progress {
  /** How far the work has come; `total` when it is known, or known better than before. */
  at(done: number, total?: number | null): void;
  /** The work has ended, well or not: a bar goes, lines stay. */
  end(): void;
}

export interface ProgressOptions {
  readonly stream?: ProgressStream;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

/** Work that is done sooner than this shows nothing. */
const QUIET_MS = 1000;
/** Between two lines where there is no terminal. */
const LINE_EVERY_MS = 5000;
/** The rate shown is that of about the last so many milliseconds. */
const RATE_WINDOW_MS = 5000;

/**
 * Shows how far a piece of work has come, on standard error, once it has taken a second: a bar with rate and remaining
 * time on a terminal, else a plain line every five seconds.
 */
export function startProgress(
  title: string,
  unit: ProgressUnit,
  total: number | null,
  options: ProgressOptions = {},
): Progress {
  return new ShownProgress(title, unit, total, options);
}

class ShownProgress implements Progress {
  readonly #title: string;
  readonly #unit: ProgressUnit;
  readonly #stream: ProgressStream;
  readonly #now: () => number;
  readonly #beganMs: number;
  #total: number | null;
  #bar: SingleBar | null = null;
  #nextLineMs: number;
  /** Where the window of the rate begins. */
  #mark: { readonly ms: number; readonly done: number };
  #nextMark: { readonly ms: number; readonly done: number };

  constructor(title: string, unit: ProgressUnit, total: number | null, options: ProgressOptions) {
    this.#title = title;
    this.#unit = unit;
    this.#total = total;
    this.#stream = options.stream ?? process.stderr;
    this.#now = options.now ?? (() => performance.now());
    this.#beganMs = this.#now();
    this.#nextLineMs = this.#beganMs + QUIET_MS;
    this.#mark = { ms: this.#beganMs, done: 0 };
    this.#nextMark = this.#mark;
  }

  at(done: number, total: number | null = this.#total): void {
    this.#total = total;
    const now = this.#now();
    if (now - this.#beganMs < QUIET_MS) return;
    if (now - this.#nextMark.ms >= RATE_WINDOW_MS) {
      this.#mark = this.#nextMark;
      this.#nextMark = { ms: now, done };
    }
    if (this.#stream.isTTY === true) this.#draw(done, now);
    else if (now >= this.#nextLineMs) {
      this.#nextLineMs = now + LINE_EVERY_MS;
      this.#stream.write(`${this.#title}: ${this.#figures(done, now)}\n`);
    }
  }

  end(): void {
    this.#bar?.stop();
    this.#bar = null;
  }

  #draw(done: number, now: number): void {
    const figures = this.#figures(done, now);
    const bar = this.#bar ?? this.#begin(done, figures);
    if (this.#total !== null) bar.setTotal(this.#total);
    bar.update(done, { figures });
  }

  #begin(done: number, figures: string): SingleBar {
    const options: Options = {
      stream: this.#stream as NodeJS.WritableStream,
      format: this.#total === null ? `${this.#title}  {figures}` : `${this.#title} [{bar}] {figures}`,
      barCompleteChar: '=',
      barIncompleteChar: ' ',
      barsize: 24,
      hideCursor: true,
      clearOnComplete: true,
      fps: 5,
      gracefulExit: false,
    };
    this.#bar = new SingleBar(options);
    this.#bar.start(this.#total ?? 0, done, { figures });
    return this.#bar;
  }

  #figures(done: number, now: number): string {
    const rate = ((done - this.#mark.done) * 1000) / Math.max(1, now - this.#mark.ms);
    const speed = `${amountText(rate, this.#unit)}/s`;
    if (this.#total === null) return `${amountText(done, this.#unit)}, ${speed}`;
    const total = Math.max(done, this.#total);
    const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
    const left = rate > 0 ? `, ${durationText((1000 * (total - done)) / rate)} left` : '';
    return `${percent}% of ${amountText(total, this.#unit)}, ${speed}${left}`;
  }
}

/** An amount for people: `1.4 GB`, `12,000 znodes`. */
function amountText(amount: number, unit: ProgressUnit): string {
  if (unit === 'bytes') return bytesText(amount);
  return `${countText(Math.round(amount))} ${amount === 1 ? unit.slice(0, -1) : unit}`;
}

/** `1 txn`, `12,000 txns`. */
export function plural(count: number, what: string): string {
  return `${countText(count)} ${what}${count === 1 ? '' : 's'}`;
}

/** A whole number with a comma before every three digits. */
export function countText(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Bytes with a decimal prefix: `512 B`, `1.4 MB`. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** Milliseconds for people: `0.4 s`, `12 s`, `3 min 20 s`, `5 h 02 min`, `3 d 4 h`. */
export function durationText(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, '0')} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${String(minutes % 60).padStart(2, '0')} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
