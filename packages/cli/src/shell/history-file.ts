import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';

/** Lines that are kept from one shell to the next. */
export const MOST_LINES = 1000;
/** What can hold a password: identities, and access control lists that name one. */
const SECRET = /^\s*addauth\b|\b(?:digest|auth):[^:\s]*:|--auth\b/i;

/** Whether a line is not to be kept. */
export function isSecret(line: string): boolean {
  return SECRET.test(line);
}

/** `$XDG_STATE_HOME/headkeeper/shell_history`, or else `~/.headkeeper_history`. */
export function historyPath(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const state = env.XDG_STATE_HOME;
  return state ? join(state, 'headkeeper', 'shell_history') : join(env.HOME || homedir(), '.headkeeper_history');
}

/** The lines of earlier shells, which only their owner can read. A shell works without it when it cannot be written. */
export class HistoryFile {
  readonly #path: string;
  #last = '';

  constructor(path: string) {
    this.#path = path;
  }

  /** Oldest first; the file is cut down when it has grown beyond the limit. */
  load(): string[] {
    let lines: string[];
    try {
      lines = readFileSync(this.#path, 'utf8')
        .split('\n')
        .filter((line) => line !== '');
    } catch {
      return [];
    }
    const kept = lines.slice(-MOST_LINES);
    if (lines.length > MOST_LINES) this.#rewrite(kept);
    this.#last = kept.at(-1) ?? '';
    return kept;
  }

  /** Keeps a line, unless it is the last one again or can hold a secret. */
  add(line: string): void {
    if (line.trim() === '' || line === this.#last || isSecret(line)) return;
    this.#last = line;
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      appendFileSync(this.#path, `${line}\n`, { mode: 0o600 });
    } catch {
      // Without a home to write to, there is no history.
    }
  }

  #rewrite(lines: readonly string[]): void {
    try {
      const fresh = `${this.#path}.${process.pid}`;
      writeFileSync(fresh, `${lines.join('\n')}\n`, { mode: 0o600 });
      renameSync(fresh, this.#path);
    } catch {
      // It stays as long as it is.
    }
  }
}
