/** The command line of a program that somebody starts by hand. Its usage is the comment that its file begins with. */
import { readFileSync } from 'node:fs';
import { type ParseArgsConfig, parseArgs } from 'node:util';

const WRONG_USE = 64;

type Options = NonNullable<ParseArgsConfig['options']>;
type Values<T extends Options> = ReturnType<typeof parseArgs<{ options: T }>>['values'];

/** The file of the program that this process runs; '' until it has told. */
let program = '';

/**
 * The values of the options on the command line. `--help` prints the usage and ends the process; a word that the program does not
 * know ends it with exit code 64.
 * @param file The file of the program, `import.meta.filename`
 * @param options As `parseArgs` takes them
 */
export function programOptions<const T extends Options>(file: string, options: T): Values<T> {
  program = file;
  if (process.argv.slice(2).some((word) => word === '--help' || word === '-h')) {
    console.log(usage());
    process.exit(0);
  }
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return wrongUse(error instanceof Error ? error.message : String(error));
  }
}

/** The number behind the option `--name`, which is `least` or more: else the process ends with exit code 64. */
export function numberOf(name: string, text: string, least = 0): number {
  const number = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(number) || number < least) wrongUse(`--${name} wants a number from ${least} on, not '${text}'`);
  return number;
}

/** Says what is wrong with the command line, and how it is to be, and ends the process with exit code 64. */
export function wrongUse(why: string): never {
  console.error(`${why}\n\n${usage()}`);
  process.exit(WRONG_USE);
}

function usage(): string {
  const comment = /^\/\*\*(.*?)\*\//s.exec(readFileSync(program, 'utf8'))?.[1] ?? '';
  return comment.replaceAll(/^ *\* ?/gm, '').trim();
}
