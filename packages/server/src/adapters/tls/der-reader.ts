/** Tags of ASN.1 values, as far as key stores use them. */
export const DerTag = {
  integer: 0x02,
  octets: 0x04,
  oid: 0x06,
  sequence: 0x30,
  context0: 0xa0,
  context0Octets: 0x80,
} as const;

/** The bytes are no DER, or not of the expected shape. */
export class DerError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DerError';
  }
}

export interface DerValue {
  readonly tag: number;
  readonly contents: Buffer;
  /** With tag and length. */
  readonly whole: Buffer;
}

/** Reads the values of one DER structure in their order. Indefinite lengths (BER) are not understood. */
export class DerReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** The tag of the next value; -1 at the end. */
  get nextTag(): number {
    return this.#bytes[this.#at] ?? -1;
  }

  /** The contents of the next value. Throws `DerError` when it has another tag or is cut off. */
  take(tag: number): Buffer {
    if (this.nextTag !== tag) throw new DerError(`tag ${this.nextTag} in place of ${tag}`);
    return this.any().contents;
  }

  /** The next value, of whatever kind. Throws `DerError` when it is cut off. */
  any(): DerValue {
    const from = this.#at;
    const tag = this.#byte(from);
    let at = this.#at + 1;
    let length = this.#byte(at++);
    if (length > 0x7f) {
      const count = length & 0x7f;
      if (count < 1 || count > 4) throw new DerError('a length of a form that is not understood');
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + this.#byte(at++);
    }
    if (at + length > this.#bytes.length) throw new DerError('it is cut off');
    this.#at = at + length;
    return { tag, contents: this.#bytes.subarray(at, at + length), whole: this.#bytes.subarray(from, at + length) };
  }

  /** The next value, a structure of its own. */
  into(tag: number): DerReader {
    return new DerReader(this.take(tag));
  }

  /** The next value as a dotted object identifier. */
  oid(): string {
    return dotted(this.take(DerTag.oid));
  }

  /** The next value as a small integer. */
  integer(): number {
    const bytes = this.take(DerTag.integer);
    if (bytes.length < 1 || bytes.length > 6) throw new DerError('an integer that is too large');
    return bytes.readIntBE(0, bytes.length);
  }

  #byte(at: number): number {
    const byte = this.#bytes[at];
    if (byte === undefined) throw new DerError('it is cut off');
    return byte;
  }
}

/** An object identifier in its usual form. */
export function dotted(bytes: Buffer): string {
  const first = bytes[0] ?? 0;
  const parts = [Math.floor(first / 40), first % 40];
  if (first >= 80) parts.splice(0, 2, 2, first - 80);
  let value = 0;
  for (const byte of bytes.subarray(1)) {
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      parts.push(value);
      value = 0;
    }
  }
  return parts.join('.');
}
