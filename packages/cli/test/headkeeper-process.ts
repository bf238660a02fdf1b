import { type ChildProcess, spawn } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

/** The committed command. */
export const HEADKEEPER: string = fileURLToPath(new URL('../../bin/headkeeper.js', import.meta.url));

/** A file of the golden data captured from Apache ZooKeeper. */
export function vectorFile(name: string): string {
  return fileURLToPath(import.meta.resolve(`@headkeeper/testkit/vectors/${name}`));
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Settings {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Another script than the committed command. */
  readonly script?: string;
}

/** Runs the command as a process of its own until it ends. */
export function headkeeper(words: readonly string[], settings: Settings = {}): Promise<Finished> {
  return finished(start(words, settings));
}

/** Starts the command as a process of its own. */
export function start(words: readonly string[], settings: Settings = {}): ChildProcess {
  const { SERVER_JVMFLAGS: _server, JVMFLAGS: _flags, ...env } = process.env;
  return spawn(process.execPath, [settings.script ?? HEADKEEPER, ...words], {
    cwd: settings.cwd,
    env: { ...env, ...settings.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Waits for the process to end, with all its output. */
export function finished(child: ChildProcess): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
      });
    }
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...output }));
  });
}
