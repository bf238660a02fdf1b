/** Milliseconds of `30s`, `4m` or `1h`; NaN for anything else. */
export function durationMs(text: string): number {
  const match = /^(\d+)(s|m|h)$/.exec(text);
  if (match === null) return Number.NaN;
  return Number(match[1]) * ({ s: 1000, m: 60_000, h: 3_600_000 }[match[2] as 's' | 'm' | 'h'] as number);
}

export function freshSeed(): number {
  return Math.floor(Math.random() * 1_000_000_000);
}

/** What is wrong with a command line of these options, each with what stands behind it ('' if nothing does); null when nothing is. */
export function wrongIn(
  argv: readonly string[],
  options: Readonly<Record<string, 'word' | 'number' | ''>>,
): string | null {
  for (let i = 0; i < argv.length; i++) {
    const name = argv[i] as string;
    const kind = Object.hasOwn(options, name) ? options[name] : undefined;
    if (kind === undefined) return `there is no option ${name}`;
    if (kind === '') continue;
    const value = argv[++i];
    if (value === undefined || value.startsWith('--')) return `${name} wants a ${kind} behind it`;
    if (kind === 'number' && (value === '' || !Number.isFinite(Number(value))))
      return `${name} wants a number, not ${value}`;
  }
  return null;
}

/** What stands behind an option on a command line; null when it is not there. */
export function optionIn(argv: readonly string[], name: string): string | null {
  const at = argv.indexOf(name);
  return at < 0 ? null : (argv[at + 1] ?? '');
}

/** The number behind an option; `otherwise` when the option is not there. */
export function numberIn(argv: readonly string[], name: string, otherwise: number): number {
  const text = optionIn(argv, name);
  return text === null ? otherwise : Number(text);
}
