import { once } from 'node:events';
import process from 'node:process';
import { clearScreenDown, createInterface, cursorTo, type Interface, moveCursor } from 'node:readline';
import { complete } from './complete.ts';
import type { ConnectionState } from './connection.ts';
import { HistoryFile, historyPath, isSecret, MOST_LINES } from './history-file.ts';
import type { Colour, ProcessOutput } from './output.ts';
import type { Shell } from './shell.ts';

const STATE_COLOURS: Readonly<Record<ConnectionState, Colour>> = {
  CONNECTING: 'yellow',
  CONNECTED: 'green',
  CONNECTEDREADONLY: 'yellow',
  CLOSED: 'red',
  AUTH_FAILED: 'red',
};

/** Reads lines from a terminal until its end or `quit`. */
export async function prompt(shell: Shell, output: ProcessOutput): Promise<void> {
  const file = new HistoryFile(historyPath());
  const readline = createInterface({
    input: process.stdin,
    output: process.stdout,
    history: file.load().reverse(),
    historySize: MOST_LINES,
    completer: (line: string, done: (error: null, result: [string[], string]) => void) => {
      const client = shell.connection.currentClient;
      void complete(line, client).then(([candidates, word]) => done(null, [candidates, word]));
    },
  });
  // An identity is not called up again by the arrow keys either.
  readline.on('history', (lines: string[]) => {
    if (lines[0] !== undefined && isSecret(lines[0])) lines.shift();
  });
  const session = new PromptSession(shell, output, readline, file);
  await session.run();
}

/** The prompt on the screen: it steps aside for what is printed while nobody's command runs. */
class PromptSession {
  readonly #shell: Shell;
  readonly #output: ProcessOutput;
  readonly #readline: Interface;
  readonly #file: HistoryFile;
  readonly #lines: string[] = [];
  #isShown = false;
  #isOver = false;

  constructor(shell: Shell, output: ProcessOutput, readline: Interface, file: HistoryFile) {
    this.#shell = shell;
    this.#output = output;
    this.#readline = readline;
    this.#file = file;
  }

  async run(): Promise<void> {
    const readline = this.#readline;
    this.#output.stepAside = () => this.#hide();
    this.#output.comeBack = () => this.#show();
    this.#shell.stateChanged = () => {
      if (!this.#isShown) return;
      this.#hide();
      this.#show();
    };
    this.#shell.lend = (run) => this.#lend(run);
    readline.on('line', (line) => this.#lineCame(line));
    readline.on('SIGINT', () => this.#interrupted());
    const closed = once(readline, 'close');
    this.#isShown = true;
    this.#show();
    await closed;
    this.#isOver = true;
    this.#isShown = false;
    // Ctrl-D in the midst of a command gives it up.
    this.#shell.interrupt();
    if (!this.#shell.hasQuit) process.stdout.write('\n');
  }

  #lineCame(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length === 1) void this.#carryOut();
  }

  async #carryOut(): Promise<void> {
    this.#isShown = false;
    for (let line = this.#lines[0]; line !== undefined && !this.#isOver; line = this.#lines[0]) {
      this.#file.add(line);
      await this.#shell.line(line);
      this.#lines.shift();
      if (this.#shell.hasQuit) {
        this.#readline.close();
        return;
      }
    }
    if (this.#isOver) return;
    this.#isShown = true;
    this.#show();
  }

  #interrupted(): void {
    if (this.#shell.isBusy) {
      this.#lines.length = 1;
      this.#shell.interrupt();
      return;
    }
    // What was typed stays on the screen, and goes from the line.
    process.stdout.write('^C\n');
    this.#readline.write(null, { ctrl: true, name: 'e' });
    this.#readline.write(null, { ctrl: true, name: 'u' });
    this.#show();
  }

  #hide(): void {
    if (!this.#isShown) return;
    moveCursor(process.stdout, 0, -this.#readline.getCursorPos().rows);
    cursorTo(process.stdout, 0);
    clearScreenDown(process.stdout);
  }

  #show(): void {
    if (!this.#isShown) return;
    const { connection, servers, count } = this.#shell;
    const { state } = connection;
    const { paint } = this.#output;
    const shown = paint.call(this.#output, STATE_COLOURS[state], state);
    this.#readline.setPrompt(`[zk: ${servers}(${shown}) ${count}] `);
    this.#readline.prompt(true);
  }

  async #lend(run: () => Promise<void>): Promise<void> {
    this.#readline.pause();
    process.stdin.setRawMode(false);
    const release = this.#output.hold();
    // Ctrl-C is the other program's now.
    const ignore = (): void => {};
    process.on('SIGINT', ignore);
    try {
      await run();
    } finally {
      process.off('SIGINT', ignore);
      process.stdin.setRawMode(true);
      this.#readline.resume();
      release();
    }
  }
}
