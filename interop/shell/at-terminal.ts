/** A shell at a terminal: lines are typed when it shows its prompt, and what it shows up to the next one is its answer. */

import { spawn } from 'node:child_process';

const PATIENCE_MS = 60_000;
/** Wide enough for no line to be broken. */
const COLUMNS = 250;

/** Gives a program a terminal of its own, and passes on what is typed and shown. */
const RELAY = `
import fcntl, os, pty, select, struct, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 50, ${COLUMNS}, 0, 0))
    os.execvp(sys.argv[1], sys.argv[1:])
sources = [0, terminal]
while True:
    ready, _, _ = select.select(sources, [], [])
    if 0 in ready:
        typed = os.read(0, 65536)
        if typed == b'':
            sources.remove(0)
        else:
            os.write(terminal, typed)
    if terminal in ready:
        try:
            shown = os.read(terminal, 65536)
        except OSError:
            shown = b''
        if shown == b'':
            break
        os.write(1, shown)
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status))
`;

const PROMPT = /\[zk: [^\]\n]*\) \d+\] $/;
/** Colours, and where the cursor goes: the terminal is said to know nothing of them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what terminals are told with
const CONTROL = /\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\x07/g;

export interface Shown {
  /** As it stood before the line was typed; empty for the end. */
  readonly prompt: string;
  /** Without what the terminal has repeated of the line. */
  readonly answer: string;
}

export interface TerminalSession {
  /** Before the first prompt. */
  readonly greeting: string;
  /** One for each line, in order. */
  readonly shown: readonly Shown[];
  readonly code: number;
}

/**
 * Types lines, the last of which ends the shell.
 *
 * @param told is taken out of what is shown: what comes when it comes.
 */
export function atTerminal(argv: readonly string[], lines: readonly string[], told: RegExp): Promise<TerminalSession> {
  return new Promise((resolve, reject) => {
    const child = spawn('python3', ['-c', RELAY, ...argv], {
      env: { ...process.env, TERM: 'dumb', NO_COLOR: '1', HOME: '/nonexistent' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const parts: { readonly prompt: string; readonly before: string }[] = [];
    let raw = '';
    const text = (): string => raw.replace(CONTROL, '').replaceAll('\r', '').replace(told, '');
    let from = 0;
    const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
    child.stdin.on('error', () => undefined);
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      raw += chunk;
      const all = text();
      const match = PROMPT.exec(all);
      const line = lines[parts.length];
      // What was typed is repeated behind the prompt, which is then no more the end.
      if (match === null || match.index < from || line === undefined) return;
      parts.push({ prompt: match[0], before: all.slice(from, match.index) });
      from = match.index + match[0].length;
      child.stdin.write(`${line}\r`);
    });
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      const ends = [...parts.map(({ before }) => before), text().slice(from)];
      const shown = parts.map(({ prompt }, at) => ({
        prompt,
        answer: (ends[at + 1] ?? '').replace(`${lines[at]}\n`, ''),
      }));
      resolve({ greeting: ends[0] ?? '', shown, code: code ?? -1 });
    });
  });
}
