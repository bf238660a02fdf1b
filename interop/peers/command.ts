/** Runs other programs to their end, bounded in time, and keeps what they printed for the error message. */

import { spawn } from 'node:child_process';

export interface RunOptions {
  /** Working folder. */
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Text for the program's standard input; without it the input is empty. */
  readonly input?: string;
  /** Milliseconds until the program is killed; ten minutes when not given. */
  readonly timeoutMs?: number;
}

export interface RunResult {
  /** Exit code, or -1 when a signal ended the program. */
  readonly code: number;
  /** Standard output and standard error, in the order of arrival. */
  readonly output: string;
  readonly timedOut: boolean;
}

/** Runs a program and returns how it ended, whatever the exit code. Rejects only if it cannot be started. */
export function runToEnd(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [command, ...args] = argv;
  if (command === undefined) throw new RangeError('an empty command');
  return new Promise((resolvePromise, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let output = '';
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, options.timeoutMs ?? 600_000);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    // A program may end without reading its input; its exit code tells what matters.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolvePromise({ code: code ?? -1, output, timedOut });
    });
  });
}

/**
 * Runs a program that must succeed and returns what it printed.
 * @throws Error naming the command, its exit code and the end of its output
 */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await runToEnd(argv, options);
  if (result.code !== 0) {
    const how = result.timedOut ? 'ran out of time' : `exited with ${result.code}`;
    throw new Error(`${argv.join(' ')} ${how}\n${result.output.slice(-4000)}`);
  }
  return result.output;
}
