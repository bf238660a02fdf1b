import { WRONG } from './setting.ts';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const UNIT_BYTES: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1_048_576, G: 1_073_741_824 };

/**
 * A time in milliseconds from a whole number with a unit: ms, s, m, h or d.
 *
 * @param plainUnit the unit of a number without one; such a number is wrong when it is null.
 */
export function readTime(text: string, plainUnit: string | null): number | typeof WRONG {
  const parts = /^([+-]?\d{1,9})\s*(ms|s|m|h|d|)$/.exec(text);
  if (parts === null) return WRONG;
  const unit = parts[2] === '' ? plainUnit : (parts[2] as string);
  return unit === null ? WRONG : Number(parts[1]) * (UNIT_MS[unit] as number);
}

/** Bytes from a whole number, with K, M or G for powers of 1024. */
export function readBytes(text: string): number | typeof WRONG {
  const parts = /^(\d{1,9})([KMG]?)$/.exec(text);
  return parts === null ? WRONG : Number(parts[1]) * (UNIT_BYTES[parts[2] as string] as number);
}
