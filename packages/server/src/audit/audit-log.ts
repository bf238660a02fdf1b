import { limits } from '../limits.ts';
import type { AuditEntry, LineFormat } from './audit-lines.ts';

/** Where lines go. */
export interface AuditSink {
  /** Writes whole lines; one call at a time. */
  write(text: string, done: (error: Error | null) => void): void;
  /** Writes them before it returns. Throws the disk's errors. */
  writeNow(text: string): void;
  close(): void;
}

export interface AuditLogOptions {
  readonly format: LineFormat;
  readonly sink: AuditSink;
  readonly wallMs: () => number;
  /** Calls back after this turn of the loop. */
  readonly defer: (fn: () => void) => void;
  /** Told of records that were lost: why, and how many since the last call. */
  readonly lost: (reason: string, count: number) => void;
}

/** Records that become text in one turn: well under a millisecond. */
const RECORDS_OF_TURN = 512;

/**
 * The audit log between those who take note and the file: nobody waits for it, what waits is bounded, and what is dropped is
 * counted and said, in the log itself too.
 */
export class AuditLog {
  readonly #options: AuditLogOptions;
  #queue: AuditEntry[] = [];
  #head = 0;
  #dropped = 0;
  /** Of these, those that found no room and are still to be told of. */
  #overflowed = 0;
  #droppedInAll = 0;
  #isWriting = false;
  /** Whether lines are on their way to the disk. */
  #isUnderway = false;
  #stopped: Promise<void> | null = null;
  #finish: () => void = () => {};

  constructor(options: AuditLogOptions) {
    this.#options = options;
  }

  /** Records that were lost since the start. */
  get dropped(): number {
    return this.#droppedInAll;
  }

  note(entry: AuditEntry): void {
    if (this.#stopped !== null) return;
    if (this.#queue.length - this.#head >= limits.auditRecords) {
      this.#drop(1);
      this.#overflowed++;
      return;
    }
    this.#queue.push(entry);
    this.#schedule();
  }

  /** Writes what waits, behind what is on its way, and nothing from then on. */
  stop(): Promise<void> {
    this.#stopped ??= new Promise((resolve) => {
      this.#finish = () => {
        this.#writeRest();
        resolve();
      };
      // Closed with lines on their way, the file would not have them.
      if (!this.#isUnderway) this.#finish();
    });
    return this.#stopped;
  }

  #writeRest(): void {
    const { sink, lost } = this.#options;
    try {
      while (this.#waits) sink.writeNow(this.#take().text);
    } catch (error) {
      lost((error as Error).message, this.#queue.length - this.#head);
    }
    sink.close();
  }

  get #waits(): boolean {
    return this.#dropped > 0 || this.#head < this.#queue.length;
  }

  #drop(count: number): void {
    this.#dropped += count;
    this.#droppedInAll += count;
  }

  #schedule(): void {
    if (this.#isWriting) return;
    this.#isWriting = true;
    this.#options.defer(() => this.#write());
  }

  #write(): void {
    if (this.#stopped !== null) return;
    const { sink, lost } = this.#options;
    const { text, count } = this.#take();
    this.#isUnderway = true;
    sink.write(text, (error) => {
      this.#isWriting = false;
      this.#isUnderway = false;
      if (error !== null) {
        this.#drop(count);
        lost(error.message, count);
      }
      if (this.#stopped !== null) {
        this.#finish();
        return;
      }
      // After a failure the next record tries again, not the one that says what was lost.
      if (error === null ? this.#waits : this.#head < this.#queue.length) this.#schedule();
    });
  }

  #take(): { readonly text: string; readonly count: number } {
    const { format, lost, wallMs } = this.#options;
    const end = Math.min(this.#queue.length, this.#head + RECORDS_OF_TURN);
    let text = '';
    if (this.#dropped > 0) {
      const entry: AuditEntry = { operation: 'auditRecordsDropped', wallMs: wallMs(), count: this.#dropped };
      text += `${format.line(entry)}\n`;
      this.#dropped = 0;
    }
    if (this.#overflowed > 0) lost('they come faster than they can be written', this.#overflowed);
    this.#overflowed = 0;
    const count = end - this.#head;
    for (; this.#head < end; this.#head++) {
      const line = format.line(this.#queue[this.#head] as AuditEntry);
      if (line !== null) text += `${line}\n`;
    }
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    } else if (this.#head > limits.auditRecords / 2) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return { text, count };
  }
}
