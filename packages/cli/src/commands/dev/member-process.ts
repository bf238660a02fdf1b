import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import type { LocalMember } from './layout.ts';

/** How a server's process ended: by itself with a code, or by a signal. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The process of one server, which can be started again after it has ended. */
export class MemberProcess {
  readonly member: LocalMember;
  readonly #program: string;
  readonly #ended: (ended: Ended) => void;
  #child: ChildProcess | null = null;

  /** `program` is the headkeeper command; `ended` hears of every end. */
  constructor(member: LocalMember, program: string, ended: (ended: Ended) => void) {
    this.member = member;
    this.#program = program;
    this.#ended = ended;
  }

  /** null while it does not run. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  get logFile(): string {
    return path.join(this.member.folder, 'log');
  }

  start(): void {
    const log = openSync(this.logFile, 'a');
    const child = spawn(process.execPath, [this.#program, 'server', this.member.configFile], {
      // In a group of its own, so that Ctrl-C reaches it through us, once.
      detached: true,
      stdio: ['ignore', 'ignore', log],
    });
    closeSync(log);
    this.#child = child;
    const end = (ended: Ended): void => {
      if (this.#child !== child) return;
      this.#child = null;
      this.#ended(ended);
    };
    child.on('error', () => end({ code: 1, signal: null }));
    child.on('exit', (code, signal) => end({ code, signal }));
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** The last lines of its log. */
  lastWords(): string {
    return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-5).join('\n');
  }
}
