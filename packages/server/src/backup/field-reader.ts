import { BackupError } from './backup-error.ts';
import type { JsonFields } from './sealed-json.ts';

/** Takes the fields of a head or manifest out of its JSON, each with its type. Throws BackupError 'damaged'. */
export class FieldReader {
  readonly #object: string;
  readonly #fields: JsonFields;

  constructor(object: string, fields: JsonFields) {
    this.#object = object;
    this.#fields = fields;
  }

  /** A text without control characters, which could deceive the reader of a terminal. */
  text(name: string): string {
    const value = this.#fields[name];
    if (typeof value !== 'string' || /\p{Cc}/u.test(value)) throw this.wrong(name);
    return value;
  }

  textOrNull(name: string): string | null {
    return this.#fields[name] === null ? null : this.text(name);
  }

  /** A whole number, not negative. */
  count(name: string): number {
    const value = this.#integer(name);
    if (value < 0) throw this.wrong(name);
    return value;
  }

  /** Epoch milliseconds, which may lie before 1970 if a server's clock said so. */
  time(name: string): number {
    return this.#integer(name);
  }

  timeOrNull(name: string): number | null {
    return this.#fields[name] === null ? null : this.#integer(name);
  }

  /** `0x` and the zxid in hexadecimal. */
  zxid(name: string): number {
    const text = this.text(name);
    const value = /^0x[0-9a-f]{1,14}$/.test(text) ? Number.parseInt(text, 16) : Number.NaN;
    if (!Number.isSafeInteger(value)) throw this.wrong(name);
    return value;
  }

  flag(name: string): boolean {
    const value = this.#fields[name];
    if (typeof value !== 'boolean') throw this.wrong(name);
    return value;
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T {
    const value = this.#fields[name];
    const found = allowed.find((each) => each === value);
    if (found === undefined) throw this.wrong(name);
    return found;
  }

  inside(name: string): FieldReader {
    const value = this.#fields[name];
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw this.wrong(name);
    return new FieldReader(this.#object, value as JsonFields);
  }

  insideOrNull(name: string): FieldReader | null {
    return this.#fields[name] === null ? null : this.inside(name);
  }

  wrong(name: string): BackupError {
    const value = JSON.stringify(this.#fields[name]) ?? 'missing';
    return new BackupError('damaged', this.#object, `${this.#object} does not count: its field "${name}" is ${value}.`);
  }

  #integer(name: string): number {
    const value = this.#fields[name];
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw this.wrong(name);
    return value;
  }
}
