/** One wrong letter in so many is taken for a slip. */
const LETTERS_PER_SLIP = 3;

/**
 * The name that was probably meant: one that begins with what was typed, or the one with the fewest slips (a letter too many,
 * too few, another one, or two that have changed places), at most one in three letters; null when none is like it. Case
 * does not count.
 */
export function nearestCommand(typed: string, names: readonly string[]): string | null {
  const wanted = typed.toLowerCase();
  const most = Math.max(1, Math.floor(wanted.length / LETTERS_PER_SLIP));
  let best: string | null = null;
  let fewest = most + 1;
  for (const name of names) {
    const slips = slipsBetween(wanted, name.toLowerCase());
    if (slips < fewest) {
      best = name;
      fewest = slips;
    }
  }
  if (fewest <= 1) return best;
  const longer = wanted === '' ? undefined : names.find((name) => name.toLowerCase().startsWith(wanted));
  return longer ?? best;
}

function slipsBetween(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (last[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = isSwap ? (beforeLast[j - 2] as number) + 1 : Number.POSITIVE_INFINITY;
      row.push(Math.min(change, swap, (last[j] as number) + 1, (row[j - 1] as number) + 1));
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] as number;
}
