import { type Logger, pino } from 'pino';

/**
 * Characters that do something to a terminal or a viewer, and that JSON leaves as they are: DEL and the control characters of
 * C1 (one of them begins escape sequences), separators that some take for the end of a line, marks that turn the direction of
 * writing around or cannot be seen.
 */
const TREACHEROUS = /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/**
 * The same JSON in characters that only show something. JSON itself writes the control characters below space as escapes, so
 * that nothing that strangers say can begin a line, or change one, in the log (CVE-2026-84501).
 */
export function harmless(line: string): string {
  return line.replace(TREACHEROUS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The server's log: JSON lines on a file descriptor, standard error by default. `level`: one of pino's. */
export function createLog(level: string, descriptor = 2): Logger {
  return pino(
    { name: 'headkeeper', level, hooks: { streamWrite: harmless } },
    pino.destination({ dest: descriptor, sync: true }),
  );
}

/** Changes the level of a log that `createLog` has made; does nothing to another. */
export function setLogLevel(log: object, level: string): void {
  if ('level' in log) log.level = level;
}
