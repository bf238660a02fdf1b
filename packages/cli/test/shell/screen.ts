/** A terminal's screen: characters where the sequences that line editors use put them. Colours are left out. */
export class Screen {
  readonly #rows: number;
  readonly #columns: number;
  #lines: string[][];
  #row = 0;
  #column = 0;
  /** The beginning of a sequence whose rest has not come yet. */
  #rest = '';

  constructor(rows: number, columns: number) {
    this.#rows = rows;
    this.#columns = columns;
    this.#lines = Array.from({ length: rows }, () => []);
  }

  /** The lines without blanks at their ends, and without empty lines at the end of the screen. */
  get text(): string {
    return this.#lines
      .map((line) =>
        Array.from(line, (character) => character ?? ' ')
          .join('')
          .trimEnd(),
      )
      .join('\n')
      .trimEnd();
  }

  write(text: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences are what this is about.
    const pieces = /\x1b\[([\d;?]*)([A-Za-z])|\x1b(?:\[[\d;?]*)?$|[\s\S]/gu;
    const whole = this.#rest + text;
    this.#rest = '';
    for (const [piece, numbers, letter] of whole.matchAll(pieces)) {
      if (letter !== undefined) this.#control(letter, numbers ?? '');
      else if (piece.startsWith('\x1b')) this.#rest = piece;
      else this.#put(piece);
    }
  }

  #put(character: string): void {
    if (character === '\r') this.#column = 0;
    else if (character === '\n') this.#down();
    else if (character === '\b') this.#column = Math.max(0, this.#column - 1);
    else if (character >= ' ') {
      if (this.#column === this.#columns) {
        this.#column = 0;
        this.#down();
      }
      (this.#lines[this.#row] as string[])[this.#column++] = character;
    }
  }

  #down(): void {
    if (this.#row < this.#rows - 1) this.#row++;
    else {
      this.#lines.shift();
      this.#lines.push([]);
    }
  }

  #control(letter: string, numbers: string): void {
    const number = Number(numbers.split(';')[0] || '0');
    const step = Math.max(1, number);
    if (letter === 'A') this.#row = Math.max(0, this.#row - step);
    else if (letter === 'B') this.#row = Math.min(this.#rows - 1, this.#row + step);
    else if (letter === 'C') this.#column = Math.min(this.#columns - 1, this.#column + step);
    else if (letter === 'D') this.#column = Math.max(0, this.#column - step);
    else if (letter === 'G') this.#column = step - 1;
    else if (letter === 'H') {
      const [row, column] = numbers.split(';').map((text) => Math.max(1, Number(text || '1')));
      this.#row = (row ?? 1) - 1;
      this.#column = (column ?? 1) - 1;
    } else if (letter === 'J' || letter === 'K') this.#clear(letter, number);
  }

  #clear(letter: 'J' | 'K', number: number): void {
    const line = this.#lines[this.#row] as string[];
    if (number === 0) line.length = Math.min(line.length, this.#column);
    else if (number === 2) line.length = 0;
    if (letter === 'J') {
      for (let row = number === 2 ? 0 : this.#row + 1; row < this.#rows; row++) this.#lines[row] = [];
    }
  }
}
