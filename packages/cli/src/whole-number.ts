import { InvalidArgumentError } from 'commander';

/** Reads an option that is a whole number above 0, of nine digits at most. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0) {
    throw new InvalidArgumentError('Expected a whole number above 0.');
  }
  return Number(text);
}
