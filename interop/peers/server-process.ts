/** A ZooKeeper-protocol server as a child process: launched, awaited through `srvr`, stopped. */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** A server whose process has been started; whether it serves is another question. */
export interface LaunchedServer {
  readonly name: string;
  readonly port: number;
  /** `127.0.0.1:PORT` */
  readonly address: string;
  readonly pid: number;
  /** What the server printed. */
  readonly logFile: string;
  /** Whether the process has not ended yet. */
  readonly running: boolean;
  /** The exit code once the process has ended, or null after a signal. */
  readonly ended: Promise<number | null>;
  /** SIGTERM, then SIGKILL if it lives on after `graceMs` (10 s). Returns its exit code, or null after a signal. */
  stop(graceMs?: number): Promise<number | null>;
  /** SIGKILL, and waits until the process is gone. */
  kill(): Promise<void>;
  /** Sends a signal and does not wait. */
  signal(name: NodeJS.Signals): void;
  /** Resident memory in bytes, as the kernel counts it. */
  residentBytes(): number;
}

export interface ServerProcess extends LaunchedServer {
  /** Milliseconds from the start of the process until `srvr` answered. */
  readonly startupMs: number;
}

export interface LaunchOptions {
  readonly name: string;
  readonly argv: readonly string[];
  readonly port: number;
  readonly logFile: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface ServerProcessOptions extends LaunchOptions {
  /** Milliseconds to wait for the first answer to `srvr`; 60 s when not given. */
  readonly startTimeoutMs?: number;
}

/** Starts the process of a server and does not wait for anything; a program that cannot be started has simply ended. */
export function launchServer(options: LaunchOptions): LaunchedServer {
  const [command, ...args] = options.argv;
  if (command === undefined) throw new RangeError('an empty command');
  const log = openSync(options.logFile, 'a');
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const ended = endOf(child);
  const pid = child.pid ?? 0;
  const running = () => pid !== 0 && child.exitCode === null && child.signalCode === null;
  // A forgotten server must not outlive the run that started it, however that ends.
  endOnSignals();
  const reap = () => child.kill('SIGKILL');
  process.once('exit', reap);
  void ended.then(() => process.removeListener('exit', reap));
  return {
    name: options.name,
    port: options.port,
    address: `127.0.0.1:${options.port}`,
    pid,
    logFile: options.logFile,
    get running() {
      return running();
    },
    ended,
    stop: async (graceMs = 10_000) => {
      if (!running()) return child.exitCode;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
      const code = await ended;
      clearTimeout(timer);
      return code;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
    signal: (name) => {
      child.kill(name);
    },
    residentBytes: () => residentBytes(pid),
  };
}

/**
 * Starts a server and waits until it answers `srvr` with its mode.
 * @throws Error when the process ends first or the time runs out (the process is then killed)
 */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const begun = performance.now();
  const server = launchServer(options);
  const deadline = begun + (options.startTimeoutMs ?? 60_000);
  const tail = () => readFileSync(options.logFile, 'utf8').slice(-3000);
  for (;;) {
    if (!server.running) {
      throw new Error(`${options.name} ended while starting (code ${await server.ended})\n${tail()}`);
    }
    // A connect can succeed against a port that another process holds; only a live child with an answer counts.
    const answer = await fourLetterWord(options.port, 'srvr', 1000).catch(() => '');
    if (answer.includes('Mode: ')) break;
    if (performance.now() > deadline) {
      await server.kill();
      throw new Error(`${options.name} did not answer srvr in time\n${tail()}`);
    }
    await pause(5);
  }
  const startupMs = performance.now() - begun;
  // Not a spread: `running` is a getter.
  return Object.assign(server, { startupMs });
}

let endsOnSignals = false;

/** A signal that ends this process must run its 'exit' listeners, which kill the servers. */
function endOnSignals(): void {
  if (endsOnSignals) return;
  endsOnSignals = true;
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
}

function endOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolvePromise) => {
    child.once('exit', (code) => resolvePromise(code));
    child.once('error', () => resolvePromise(null));
  });
}

/** VmRSS of a process in bytes. */
export function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  if (match === null) throw new Error(`process ${pid} has no VmRSS`);
  return Number(match[1]) * 1024;
}

/** Sends a four-letter word to 127.0.0.1 and returns all that is answered. */
export function fourLetterWord(port: number, word: string, timeoutMs: number): Promise<string> {
  return new Promise((resolvePromise, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    let answer = '';
    socket.setEncoding('utf8');
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`${word}: no answer in ${timeoutMs} ms`)));
    socket.on('connect', () => socket.write(word));
    socket.on('data', (text: string) => {
      answer += text;
    });
    socket.on('error', reject);
    socket.on('close', () => resolvePromise(answer));
  });
}
