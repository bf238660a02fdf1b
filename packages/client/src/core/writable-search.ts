import type { ClientPorts, Link, ServerAddress, Timer } from '../ports.ts';
import type { ServerRing } from './server-ring.ts';

/** How long to wait between questions, at first and at most; and for one answer. Milliseconds. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 60_000;
const ANSWER_MS = 2_000;
const QUESTION = Uint8Array.from('isro', (letter) => letter.charCodeAt(0));
const MOST_ANSWER_BYTES = 16;

/** Looks for a server with a quorum while connected to one without (client-protocol reference, 10.5). */
export class WritableSearch {
  readonly #ports: ClientPorts;
  readonly #ring: ServerRing;
  readonly #found: (server: ServerAddress) => void;
  #pauseMs = FIRST_PAUSE_MS;
  #timer: Timer;
  #link: Link | null = null;
  #isOver = false;

  constructor(ports: ClientPorts, ring: ServerRing, found: (server: ServerAddress) => void) {
    this.#ports = ports;
    this.#ring = ring;
    this.#found = found;
    this.#timer = ports.after(this.#pauseMs, () => this.#ask());
  }

  stop(): void {
    this.#isOver = true;
    this.#timer.cancel();
    this.#link?.close();
  }

  #ask(): void {
    const server = this.#ring.turn();
    this.#ports.resolve(server.host).then(
      ([ip]) => {
        if (this.#isOver) return;
        if (ip === undefined) {
          this.#again();
          return;
        }
        let answer = '';
        this.#timer = this.#ports.after(ANSWER_MS, () => this.#again());
        this.#link = this.#ports.dial(ip, server, {
          opened: () => this.#link?.write(QUESTION.slice()),
          received: (bytes) => {
            if (answer.length < MOST_ANSWER_BYTES)
              answer += String.fromCharCode(...bytes.subarray(0, MOST_ANSWER_BYTES));
          },
          drained: () => {},
          closed: () => {
            if (this.#isOver) return;
            if (answer.trim() === 'rw') {
              this.stop();
              this.#found(server);
            } else this.#again();
          },
        });
      },
      () => this.#again(),
    );
  }

  #again(): void {
    if (this.#isOver) return;
    this.#timer.cancel();
    this.#link?.close();
    this.#link = null;
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
    this.#timer = this.#ports.after(this.#pauseMs, () => this.#ask());
  }
}
