import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { CommandError, ExitCode } from '../../exit-codes.ts';
import { formatHostPort } from '../../host-port.ts';
import { type LocalMember, layOut, MOST_MEMBERS } from './layout.ts';
import { type Ended, MemberProcess } from './member-process.ts';
import { Narrator } from './narrator.ts';

export interface DevOptions {
  /** How many servers. */
  readonly ensemble: number;
  /** Folder of their files; a temporary one by default. */
  readonly in?: string;
  /** Client port of the first server. */
  readonly port: number;
}

/** How long a server that ended stays down, so that its absence can be watched. */
const RESTART_MS = 2000;
const STOP_MS = 10_000;
/** SIGHUP: the terminal is gone, and the servers do not belong to it. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Ends of a server by itself with these codes come again at every start. */
const HOPELESS: ReadonlySet<number> = new Set([ExitCode.usage, 3]);

/**
 * Runs an ensemble on this machine, each server in a process and a folder of its own, tells what happens to it, and
 * starts again what ends, until SIGINT, SIGTERM or SIGHUP.
 *
 * @param program path of the headkeeper command.
 * @throws CommandError when a port is taken, or a server cannot be started.
 */
export async function runDev(options: DevOptions, program: string): Promise<void> {
  if (options.ensemble > MOST_MEMBERS)
    throw new CommandError(`expected at most ${MOST_MEMBERS} servers`, ExitCode.usage);
  const folder = options.in === undefined ? mkdtempSync(path.join(tmpdir(), 'headkeeper-')) : path.resolve(options.in);
  let ensemble: LocalEnsemble | null = null;
  const leaveNothing = (): void => {
    ensemble?.kill();
    // Processes that were just killed may still be writing.
    if (options.in === undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  };
  // This process ends at once when nobody reads what it says any more; the servers would not end with it.
  process.once('exit', leaveNothing);
  try {
    mkdirSync(folder, { recursive: true });
    const members = await layOut(folder, options.ensemble, options.port);
    process.stdout.write(greeting(members, folder, options.in === undefined));
    ensemble = new LocalEnsemble(members, program);
    await ensemble.run();
  } finally {
    process.off('exit', leaveNothing);
    leaveNothing();
  }
}

/** The processes of a local ensemble, and what happens when one ends. */
class LocalEnsemble {
  readonly #processes: readonly MemberProcess[];
  readonly #narrator: Narrator;
  readonly #restarts = new Set<NodeJS.Timeout>();
  #stopping = false;
  /** Why it stops; null after a signal. */
  #failure: CommandError | null = null;
  #settle: (failure: CommandError | null) => void = () => {};

  constructor(members: readonly LocalMember[], program: string) {
    this.#processes = members.map((member) => {
      const one: MemberProcess = new MemberProcess(member, program, (ended) => this.#ended(one, ended));
      return one;
    });
    this.#narrator = new Narrator(members, say);
  }

  /** Resolves when all have ended after a signal; throws when one cannot run. */
  async run(): Promise<void> {
    const over = new Promise<CommandError | null>((resolve) => {
      this.#settle = resolve;
    });
    for (const one of this.#processes) this.#start(one);
    this.#narrator.start();
    const onSignal = (): void => this.#stop(null);
    for (const signal of SIGNALS) process.on(signal, onSignal);
    const input = createInterface({ input: process.stdin });
    input.on('line', (line) => this.#obey(line));
    const failure = await over;
    input.close();
    for (const signal of SIGNALS) process.off(signal, onSignal);
    if (failure !== null) throw failure;
  }

  kill(): void {
    for (const one of this.#processes) one.signal('SIGKILL');
  }

  #start(one: MemberProcess): void {
    one.start();
    say(`server ${one.member.sid} started, process ${one.pid}`);
  }

  #obey(line: string): void {
    if (/^\s*transfer\s*$/.test(line)) {
      // Whoever does not lead has nothing to hand over.
      for (const one of this.#processes) one.signal('SIGUSR2');
      return;
    }
    const sid = Number(/^\s*kill\s+(\d+)\s*$/.exec(line)?.[1] ?? 0);
    const one = this.#processes.find(({ member }) => member.sid === sid);
    if (one === undefined) say('type "kill 2" to kill server 2, "transfer" to let another lead');
    else one.signal('SIGKILL');
  }

  #ended(one: MemberProcess, { code, signal }: Ended): void {
    if (this.#stopping) {
      this.#settleWhenAllEnded();
      return;
    }
    const { sid } = one.member;
    if (code !== null && HOPELESS.has(code)) {
      this.#stop(new CommandError(`server ${sid} cannot run (exit code ${code}):\n${one.lastWords()}`));
      return;
    }
    say(
      `server ${sid} ended (${signal ?? `exit code ${code}, see ${one.logFile}`}); it starts again in ${RESTART_MS / 1000} s`,
    );
    const timer = setTimeout(() => {
      this.#restarts.delete(timer);
      this.#start(one);
    }, RESTART_MS);
    this.#restarts.add(timer);
  }

  #stop(failure: CommandError | null): void {
    if (this.#stopping) {
      this.kill();
      return;
    }
    this.#stopping = true;
    this.#failure = failure;
    this.#narrator.stop();
    for (const timer of this.#restarts) clearTimeout(timer);
    say('stopping');
    for (const one of this.#processes) one.signal('SIGTERM');
    setTimeout(() => this.kill(), STOP_MS).unref();
    this.#settleWhenAllEnded();
  }

  #settleWhenAllEnded(): void {
    if (this.#processes.every((one) => one.pid === null)) this.#settle(this.#failure);
  }
}

const begun = performance.now();

function say(text: string): void {
  const seconds = ((performance.now() - begun) / 1000).toFixed(1).padStart(7);
  process.stdout.write(`${seconds} s  ${text}\n`);
}

function greeting(members: readonly LocalMember[], folder: string, temporary: boolean): string {
  const connect = members.map(({ client }) => formatHostPort(client)).join(',');
  return [
    `An ensemble of ${members.length} on ${connect}, files in ${folder}${temporary ? ', removed at the end' : ''}.`,
    `  zkCli.sh -server ${connect}`,
    `  headkeeper status ${connect}`,
    'Type "kill 2" to kill server 2; it is started again. "transfer" lets another lead. Ctrl-C stops all.',
    '',
  ].join('\n');
}
