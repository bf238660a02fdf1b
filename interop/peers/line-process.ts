/** A child process that takes commands on its standard input and answers on its standard output, one a line. */

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export type Language = 'typescript' | 'java' | 'python';

export interface Program {
  readonly argv: readonly string[];
  /** Beside this process's own. */
  readonly env: Readonly<Record<string, string>>;
}

const MOST_ERRORS = 4000;

export class LineProcess {
  /** Comes when it has ended and all that it said is heard. */
  readonly closed: Promise<void>;
  readonly #child: ChildProcess;
  #isClosed = false;
  #errors = '';

  /** Starts the program; `said` hears every line. It does not outlive this process. */
  constructor({ argv, env }: Program, said: (line: string) => void) {
    const [command = '', ...args] = argv;
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    // A process that was killed cannot take commands; that is no error of ours.
    child.stdin.on('error', () => {});
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-MOST_ERRORS);
    });
    createInterface(child.stdout).on('line', said);
    const reap = (): boolean => child.kill('SIGKILL');
    process.once('exit', reap);
    this.closed = new Promise((resolve) => {
      child.on('close', () => {
        process.removeListener('exit', reap);
        this.#isClosed = true;
        resolve();
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The end of what it printed as errors. */
  get errors(): string {
    return this.#errors;
  }

  send(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** SIGKILL, and waits until all that it said is heard. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.closed;
  }

  /** Lets it end by itself, within `patienceMs`. */
  async end(patienceMs: number): Promise<void> {
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), patienceMs);
    await this.closed;
    clearTimeout(timer);
  }
}
