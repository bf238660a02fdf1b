/** Says that the text stands for the default (Apache writes -1 for some). */
export const USE_DEFAULT: unique symbol = Symbol('use the default');
/** Says that the text is not a value of the setting. */
export const WRONG: unique symbol = Symbol('wrong');

/** One row of the table of settings: a key of zoo.cfg and everything that is known about it. */
export interface Setting<Value, All> {
  /** Name in zoo.cfg; the system property is the same name behind `zookeeper.`, and the bare name too. */
  readonly key: string;
  /** Other names that Apache documents or reads for it. */
  readonly aliases?: readonly string[];
  /** Unit of the text in the file. */
  readonly unit: string;
  /** The default: a value, a rule over the other values, or null when the key must be given. */
  readonly default: Value | ((values: All) => Value) | null;
  /** What a right value looks like, as the end of "expected ...". */
  readonly expected: string;
  readonly read: (text: string) => Value | typeof USE_DEFAULT | typeof WRONG;
  /** What Apache raises with a warning instead of refusing. */
  readonly minimum?: number;
  /** Whether the value is read and nothing comes of it yet; said in a warning where it is given. */
  readonly pending?: true;
  /** Whether the value must not be shown. */
  readonly secret?: true;
  readonly doc: string;
}

interface IntegerRow<All> {
  readonly key: string;
  readonly aliases?: readonly string[];
  readonly pending?: true;
  readonly unit: string;
  readonly default: number | ((values: All) => number) | null;
  readonly from: number;
  readonly to?: number;
  /** The value is the number in the file times this. */
  readonly scale?: number;
  /** Whether -1 stands for the default. */
  readonly minusOneIsDefault?: boolean;
  /** Whether 0 stands for the default. */
  readonly zeroIsDefault?: boolean;
  /** Smaller values are raised to it with a warning. */
  readonly minimum?: number;
  readonly doc: string;
}

const INT_MAX = 2147483647;

/** A whole number, decimal or `0x` hexadecimal. `default` is in units of the value, after `scale`. */
export function integer<All>(row: IntegerRow<All>): Setting<number, All> {
  const { from, to = INT_MAX, scale = 1 } = row;
  const unit = row.unit === '' ? '' : ` of ${row.unit}`;
  const expectation = from === to ? String(from) : `a whole number${unit} from ${from} to ${to}`;
  const marker = row.minusOneIsDefault ? -1 : row.zeroIsDefault ? 0 : null;
  const setting: Setting<number, All> = {
    key: row.key,
    unit: row.unit,
    default: row.default,
    expected: marker === null ? expectation : `${expectation}, or ${marker} for the default`,
    read: (text) => {
      if (!/^([+-]?\d{1,15}|0[xX][0-9a-fA-F]{1,12})$/.test(text)) return WRONG;
      const value = Number(text);
      if (value === marker) return USE_DEFAULT;
      return value < from || value > to ? WRONG : value * scale;
    },
    doc: row.doc,
  };
  const { aliases, minimum, pending } = row;
  return {
    ...setting,
    ...(pending === undefined ? {} : { pending }),
    ...(aliases === undefined ? {} : { aliases }),
    ...(minimum === undefined ? {} : { minimum }),
  };
}

interface DecimalRow {
  readonly key: string;
  readonly default: number;
  readonly doc: string;
}

/** A number with or without a fraction. */
export function decimal<All>(row: DecimalRow): Setting<number, All> {
  return {
    ...row,
    unit: '',
    expected: 'a number such as 0.33',
    read: (text) => (/^[+-]?(\d{1,9}(\.\d{0,9})?|\.\d{1,9})$/.test(text) ? Number(text) : WRONG),
  };
}

/** `true` or `false`, in any case of letters; anything else is refused, where Apache would silently read false. */
export function flag<All>(key: string, fallback: boolean, doc: string): Setting<boolean, All> {
  return switching(key, fallback, 'true', 'false', doc);
}

/** The few keys that Apache compares with `yes`. */
export function yesOrNo<All>(key: string, fallback: boolean, doc: string): Setting<boolean, All> {
  return switching(key, fallback, 'yes', 'no', doc);
}

function switching<All>(key: string, fallback: boolean, yes: string, no: string, doc: string): Setting<boolean, All> {
  return {
    key,
    unit: '',
    default: fallback,
    expected: `${yes} or ${no}`,
    read: (text) => {
      const lower = text.toLowerCase();
      return lower === yes ? true : lower === no ? false : WRONG;
    },
    doc,
  };
}

interface TextRow<Value, All> {
  readonly key: string;
  readonly pending?: true;
  readonly default: Value | ((values: All) => Value) | null;
  readonly expected: string;
  readonly pattern: RegExp;
  readonly doc: string;
}

export function text<Value extends string | null, All>(row: TextRow<Value, All>): Setting<Value | string, All> {
  return { ...row, unit: '', read: (value) => (row.pattern.test(value) ? value : WRONG) };
}

/** One of a few words. */
export function choice<Word extends string, Fallback, All>(
  key: string,
  words: readonly Word[],
  fallback: Fallback,
  doc: string,
): Setting<Word | Fallback, All> {
  return {
    key,
    unit: '',
    default: fallback,
    expected: words.join(' or '),
    read: (value) => words.find((word) => word === value) ?? WRONG,
    doc,
  };
}

/** Some of a few words, separated by commas; at least one. */
export function choices<Word extends string, Fallback, All>(
  key: string,
  words: readonly Word[],
  fallback: Fallback,
  doc: string,
): Setting<readonly Word[] | Fallback, All> {
  return {
    key,
    unit: '',
    default: fallback,
    expected: `one or more of ${words.join(', ')}, separated by commas`,
    read: (value) => {
      const chosen: Word[] = [];
      for (const part of value.split(',')) {
        const word = words.find((known) => known === part.trim());
        if (word === undefined) return WRONG;
        if (!chosen.includes(word)) chosen.push(word);
      }
      return Object.freeze(chosen);
    },
    doc,
  };
}
