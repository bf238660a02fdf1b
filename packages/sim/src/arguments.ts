/** Milliseconds of `30s`, `4m` or `1h`; NaN for anything else. */
export function durationMs(text: string): number {
  const match = /^(\d+)(s|m|h)$/.exec(text);
  if (match === null) return Number.NaN;
  return Number(match[1]) * ({ s: 1000, m: 60_000, h: 3_600_000 }[match[2] as 's' | 'm' | 'h'] as number);
}

export function freshSeed(): number {
  return Math.floor(Math.random() * 1_000_000_000);
}

/** What stands behind an option on a command line; null when it is not there. */
export function optionIn(argv: readonly string[], name: string): string | null {
  const at = argv.indexOf(name);
  return at < 0 ? null : (argv[at + 1] ?? '');
}

/** The number behind an option; `otherwise` when the option is not there. Throws when there is no number behind it. */
export function numberIn(argv: readonly string[], name: string, otherwise: number): number {
  const text = optionIn(argv, name);
  const number = text === null ? otherwise : Number.parseFloat(text);
  if (!Number.isFinite(number)) throw new Error(`${name} wants a number, not ${text}`);
  return number;
}
