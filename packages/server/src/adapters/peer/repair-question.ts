import {
  decodeRepairAnswer,
  encodeRepairRequest,
  JuteError,
  type RepairAnswer,
  type RepairRequest,
  repairMessageLength,
} from '@headkeeper/protocol';
import { ByteWindow } from '../../core/log/byte-window.ts';

const FIRST_BYTES = 1 << 16;

export interface QuestionListener {
  /** Its bytes are valid during the call. */
  answer(answer: RepairAnswer): void;
  /** All has come, or nothing more will: `why`, then. */
  over(why: string | null): void;
}

/** One question to another server, on a link of its own. */
export class RepairQuestion {
  readonly request: Uint8Array;
  readonly #listener: QuestionListener;
  readonly #mostBytes: number;
  readonly #window: ByteWindow = new ByteWindow(FIRST_BYTES);
  #isOver = false;

  /** `mostBytes`: of one answer. */
  constructor(request: RepairRequest, mostBytes: number, listener: QuestionListener) {
    this.request = encodeRepairRequest(request);
    this.#mostBytes = mostBytes;
    this.#listener = listener;
  }

  /** Takes what the other server sends. */
  data(bytes: Uint8Array): void {
    const window = this.#window;
    window.append(bytes);
    try {
      while (!this.#isOver) {
        const length = repairMessageLength(window.view, window.start, window.end, this.#mostBytes);
        if (length === null || window.end - window.start < length) return;
        const start = window.start;
        window.start += length;
        this.#take(decodeRepairAnswer(window.bytes, start, window.start));
      }
    } catch (error) {
      if (!(error instanceof JuteError)) throw error;
      this.end(`it sends what makes no sense: ${error.message}`);
    }
  }

  end(why: string | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listener.over(why);
  }

  #take(answer: RepairAnswer): void {
    if (answer.kind === 'end') this.end(null);
    else if (answer.kind === 'refused') this.end(answer.why);
    else this.#listener.answer(answer);
  }
}
