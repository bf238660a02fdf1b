import process from 'node:process';

const COLOURS = { red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36, grey: 90 } as const;

export type Colour = keyof typeof COLOURS;

/** Where the shell writes; a prompt steps aside for each of them. */
export interface Output {
  /** Whether people look at it: then there are colours (unless NO_COLOR is set) and values are made readable. */
  readonly isTerminal: boolean;
  /** Characters in a line. */
  readonly columns: number;
  out(text: string | Uint8Array): void;
  err(text: string): void;
  /** The text in a colour, or as it is. */
  paint(colour: Colour, text: string): string;
}

/** Standard output and standard error, a line at a time. */
export class ProcessOutput implements Output {
  readonly isTerminal: boolean = process.stdout.isTTY === true;
  readonly #hasColours: boolean = this.isTerminal && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
  /** Lines that wait while another program has the terminal. */
  #held: (() => void)[] | null = null;
  /** Called before a line is written, and after it. */
  stepAside: () => void = () => {};
  comeBack: () => void = () => {};

  /** Keeps what is written back until the returned function is called. */
  hold(): () => void {
    const held: (() => void)[] = [];
    this.#held = held;
    return () => {
      this.#held = null;
      for (const write of held) write();
    };
  }

  get columns(): number {
    return process.stdout.columns ?? 80;
  }

  out(text: string | Uint8Array): void {
    if (this.#held !== null) {
      this.#held.push(() => this.out(text));
      return;
    }
    this.stepAside();
    process.stdout.write(text);
    process.stdout.write('\n');
    this.comeBack();
  }

  err(text: string): void {
    if (this.#held !== null) {
      this.#held.push(() => this.err(text));
      return;
    }
    this.stepAside();
    process.stderr.write(`${process.stderr.isTTY === true ? this.paint('red', text) : text}\n`);
    this.comeBack();
  }

  paint(colour: Colour, text: string): string {
    return this.#hasColours ? `\x1b[${COLOURS[colour]}m${text}\x1b[39m` : text;
  }
}
