/** One server of an ensemble: started, killed, stopped and started again on the same folder. */

import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fourLetterWord, type LaunchedServer, launchServer } from '#peers/server-process';

/** What `srvr` says. */
export interface MemberStatus {
  readonly mode: string;
  readonly zxid: number;
}

const answerMs = 1000;

export class Member {
  readonly id: number;
  /** For clients. */
  readonly port: number;
  readonly address: string;
  readonly #argv: readonly string[];
  readonly #logFile: string;
  #server: LaunchedServer | null = null;

  /** What the process prints is added to `logFile`. */
  constructor(id: number, port: number, argv: readonly string[], logFile: string) {
    this.id = id;
    this.port = port;
    this.address = `127.0.0.1:${port}`;
    this.#argv = argv;
    this.#logFile = logFile;
  }

  get running(): boolean {
    return this.#server?.running === true;
  }

  /** The process, dead or alive. @throws Error before the first start */
  get server(): LaunchedServer {
    if (this.#server === null) throw new Error(`server ${this.id} was never started`);
    return this.#server;
  }

  /** Starts the process and returns at once. */
  start(): void {
    if (this.running) throw new Error(`server ${this.id} runs`);
    const name = `server ${this.id}`;
    this.#server = launchServer({ name, argv: this.#argv, port: this.port, logFile: this.#logFile });
  }

  /** The answer to `srvr`, or null from a server that serves nobody at the moment. */
  async status(): Promise<MemberStatus | null> {
    const answer = await fourLetterWord(this.port, 'srvr', answerMs).catch(() => '');
    const mode = /^Mode: (.+)$/m.exec(answer)?.[1];
    const zxid = /^Zxid: (0x[0-9a-f]+)$/m.exec(answer)?.[1];
    return mode === undefined || zxid === undefined ? null : { mode, zxid: Number(zxid) };
  }

  /**
   * Asks every `everyMs` until the status is as wanted, and returns it.
   * @throws Error when the process has ended or `timeoutMs` have passed
   */
  async until(
    what: string,
    wanted: (status: MemberStatus) => boolean,
    timeoutMs: number,
    everyMs: number = 20,
  ): Promise<MemberStatus> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const status = await this.status();
      if (status !== null && wanted(status)) return status;
      if (!this.running) throw new Error(`server ${this.id} has ended`);
      if (performance.now() > deadline) {
        const last = status === null ? 'serving nobody' : `${status.mode} at 0x${status.zxid.toString(16)}`;
        throw new Error(`server ${this.id} is not ${what} after ${timeoutMs} ms but ${last}`);
      }
      await pause(everyMs);
    }
  }

  /** The end of what it printed. */
  lastWords(): string {
    return this.#server === null ? '' : readFileSync(this.#logFile, 'utf8').slice(-3000);
  }
}
