/** Milliseconds of `30s`, `4m` or `1h`; NaN for anything else. */
export function durationMs(text: string): number {
  const match = /^(\d+)(s|m|h)$/.exec(text);
  if (match === null) return Number.NaN;
  return Number(match[1]) * ({ s: 1000, m: 60_000, h: 3_600_000 }[match[2] as 's' | 'm' | 'h'] as number);
}

export function freshSeed(): number {
  return Math.floor(Math.random() * 1_000_000_000);
}
