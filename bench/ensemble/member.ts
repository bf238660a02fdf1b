/** One server of an ensemble as a child process: started, killed, paused and started again on the same folder. */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fourLetterWord } from '#peers/server-process';

/** What `srvr` says. */
export interface MemberStatus {
  readonly mode: string;
  readonly zxid: number;
}

export class Member {
  readonly id: number;
  readonly port: number;
  readonly address: string;
  readonly logFile: string;
  readonly #argv: readonly string[];
  #child: ChildProcess | null = null;
  #ended: Promise<void> = Promise.resolve();

  /** `port` is for clients; what the process prints is added to `logFile`. */
  constructor(id: number, port: number, argv: readonly string[], logFile: string) {
    this.id = id;
    this.port = port;
    this.address = `127.0.0.1:${port}`;
    this.logFile = logFile;
    this.#argv = argv;
  }

  get running(): boolean {
    return this.#child !== null;
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  /** Starts the process and returns at once. */
  start(): void {
    const [command, ...args] = this.#argv;
    if (command === undefined || this.#child !== null) throw new Error(`member ${this.id} cannot be started`);
    const log = openSync(this.logFile, 'a');
    const child = spawn(command, args, { stdio: ['ignore', log, log] });
    closeSync(log);
    this.#child = child;
    // A forgotten server must not outlive the run that started it, however that ends.
    const reap = (): boolean => child.kill('SIGKILL');
    process.once('exit', reap);
    this.#ended = new Promise((resolve) => {
      const gone = (): void => {
        process.removeListener('exit', reap);
        this.#child = null;
        resolve();
      };
      child.once('exit', gone);
      child.once('error', gone);
    });
  }

  /** Sends a signal: SIGKILL, SIGSTOP, SIGCONT. */
  signal(name: NodeJS.Signals): void {
    if (this.#child?.kill(name) !== true) throw new Error(`member ${this.id} does not run\n${this.lastWords()}`);
  }

  /** Waits for the end of the process. */
  ended(): Promise<void> {
    return this.#ended;
  }

  /** SIGTERM, and SIGKILL to what is still there after ten seconds. */
  async stop(): Promise<void> {
    this.#child?.kill('SIGTERM');
    const timer = setTimeout(() => this.#child?.kill('SIGKILL'), 10_000);
    await this.#ended;
    clearTimeout(timer);
  }

  /** The answer to `srvr`, or null from a server that serves nobody at the moment. */
  async status(): Promise<MemberStatus | null> {
    const answer = await fourLetterWord(this.port, 'srvr', 1000).catch(() => '');
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
    wanted: (s: MemberStatus) => boolean,
    timeoutMs: number,
    everyMs = 20,
  ): Promise<MemberStatus> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const status = await this.status();
      if (status !== null && wanted(status)) return status;
      if (!this.running) throw new Error(`member ${this.id} has ended\n${this.lastWords()}`);
      if (performance.now() > deadline) {
        const last = status === null ? 'serving nobody' : `${status.mode} at 0x${status.zxid.toString(16)}`;
        throw new Error(`member ${this.id} is not ${what} after ${timeoutMs} ms but ${last}\n${this.lastWords()}`);
      }
      await pause(everyMs);
    }
  }

  lastWords(): string {
    return readFileSync(this.logFile, 'utf8').slice(-3000);
  }
}
