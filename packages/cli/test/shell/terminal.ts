import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { Screen } from './screen.ts';

const PATIENCE_MS = 10_000;
export const ROWS = 24;
export const COLUMNS = 80;

/** Gives a program a terminal of its own, and passes on what is typed and shown. */
const RELAY = `
import fcntl, os, pty, select, struct, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', ${ROWS}, ${COLUMNS}, 0, 0))
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

/** A program in a terminal: keys go in, the screen is looked at. */
export class Terminal {
  readonly screen: Screen = new Screen(ROWS, COLUMNS);
  /** Everything that was sent to the terminal, with its control sequences. */
  raw = '';
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #changed: () => void = () => {};

  constructor(argv: readonly string[], env: Readonly<Record<string, string>>) {
    const { NO_COLOR: _, ...inherited } = process.env;
    this.#child = spawn('python3', ['-c', RELAY, ...argv], {
      env: { ...inherited, TERM: 'xterm-256color', ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.raw += text;
      this.screen.write(text);
      this.#changed();
    });
    this.#ended = once(this.#child, 'close').then(([code]) => code as number | null);
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  /** Waits until the screen's last line that is not empty is as expected; resolves to the screen. */
  prompt(expected: RegExp): Promise<string> {
    return this.until((text) => expected.test(text.slice(text.lastIndexOf('\n') + 1)), String(expected));
  }

  /** Waits until the screen is as expected. */
  async until(isExpected: (text: string) => boolean, what: string): Promise<string> {
    const giveUp = performance.now() + PATIENCE_MS;
    for (;;) {
      const text = this.screen.text;
      if (isExpected(text)) return text;
      const left = giveUp - performance.now();
      if (left <= 0) throw new Error(`the screen does not show ${what}:\n${text}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#changed = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** The program's exit code, once it has ended. */
  get ended(): Promise<number | null> {
    return this.#ended;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
