import { ShellError } from './shell-error.ts';

/** Options by name, without dashes; names of one letter take one dash, others two. `value`: a value follows. */
export type OptionTable = Readonly<Record<string, 'flag' | 'value'>>;

/** The words after a command's name. */
export interface Arguments {
  /** Those that are no options, the command's name not among them. */
  readonly words: readonly string[];
  has(option: string): boolean;
  /** The value of an option, undefined when it was not given. */
  value(option: string): string | undefined;
}

/**
 * Tells options from other words: wherever they stand, flags joined (`-sw`), values joined (`-v3`, `-v=3`) or following;
 * all after `--` are other words.
 *
 * @throws ShellError for an option that is not in the table, or one without its value.
 */
export function parseArguments(given: readonly string[], options: OptionTable): Arguments {
  const words: string[] = [];
  const values = new Map<string, string>();
  let at = 0;
  const take = (option: string, joined: string | null): void => {
    if (options[option] === 'flag') {
      values.set(option, '');
      return;
    }
    const value = joined ?? given[at++];
    if (value === undefined || (joined === null && looksLikeOption(value, options))) {
      throw new ShellError(`Missing argument for option: ${option}`);
    }
    values.set(option, value);
  };
  while (at < given.length) {
    const word = given[at++] as string;
    if (word === '--') {
      words.push(...given.slice(at));
      break;
    }
    if (!word.startsWith('-') || word === '-') words.push(word);
    else takeOption(word, options, take);
  }
  return { words, has: (option) => values.has(option), value: (option) => values.get(option) };
}

function takeOption(word: string, options: OptionTable, take: (option: string, joined: string | null) => void): void {
  const [, dashes, name = '', value] = /^(--?)([^=]*)(?:=(.*))?$/s.exec(word) as RegExpExecArray;
  const isKnown = Object.hasOwn(options, name) && (name.length > 1 || dashes === '-');
  if (isKnown && (value === undefined || options[name] === 'value')) {
    take(name, value ?? null);
    return;
  }
  if (dashes === '--') throw unknown(word);
  for (let i = 1; i < word.length; i++) {
    const letter = word.charAt(i);
    if (!Object.hasOwn(options, letter)) throw unknown(word);
    if (options[letter] === 'flag') take(letter, null);
    else {
      take(letter, i + 1 < word.length ? word.slice(i + 1) : null);
      return;
    }
  }
}

/** A number may be below zero. */
function looksLikeOption(word: string, options: OptionTable): boolean {
  if (!word.startsWith('-') || /^-\d/.test(word)) return false;
  return (
    Object.hasOwn(options, word.replace(/^--?/, '').replace(/=.*$/s, '')) || Object.hasOwn(options, word.charAt(1))
  );
}

function unknown(word: string): ShellError {
  return new ShellError(`Unrecognized option: ${word}`);
}

/** @throws ShellError when the value of an option is no whole number in the range. */
export function wholeNumber(text: string, option: string, least: number, most: number): number {
  const number = Number(text);
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(number) || number < least || number > most) {
    throw new ShellError(`-${option} must be followed by a whole number from ${least} to ${most}, not "${text}"`);
  }
  return number;
}

/** The version that an option asks for; -1, any, when it is not given. */
export function versionOf(args: Arguments): number {
  const text = args.value('v');
  return text === undefined ? -1 : wholeNumber(text, 'v', -1, 0x7fffffff);
}
