/** A longer word is no slip of a key. */
const LONGEST_KEY = 200;

/**
 * The name most like `key`, or undefined when none is like it: at most one edit (a character inserted, dropped or changed)
 * in three characters, letters compared without case.
 */
export function nearestKey(key: string, names: Iterable<string>): string | undefined {
  const wanted = key.toLowerCase();
  let best: string | undefined;
  if (wanted.length > LONGEST_KEY) return undefined;
  let bestDistance = Math.floor(wanted.length / 3) + 1;
  for (const name of names) {
    // So many characters have to be inserted or dropped at least.
    if (Math.abs(wanted.length - name.length) >= bestDistance) continue;
    const distance = editDistance(wanted, name.toLowerCase());
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
