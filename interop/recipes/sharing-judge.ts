/** Judges the use of what several may hold at a time. */

export interface Span {
  readonly who: string;
  /** Nanoseconds, as the end. */
  readonly begun: bigint;
  /** When it was over, or its process surely dead; null: it never was. */
  readonly ended: bigint | null;
}

export interface Use extends Span {
  /** What it found at its beginning and its end; null: it was killed before it said so. */
  readonly numbers: readonly [first: number, last: number] | null;
}

/** @param alone What nobody else may do meanwhile. @param most How many uses there may be at a time. */
export function judgeSharing(uses: readonly Use[], alone: readonly Span[], most: number): string[] {
  const faults: string[] = [];
  for (const use of uses) {
    if (use.ended === null) faults.push(`${use.who} began at ${use.begun} and never ended`);
    if (use.numbers !== null && use.numbers[0] !== use.numbers[1]) {
      faults.push(`${use.who} read ${use.numbers[0]}, and ${use.numbers[1]} under the same lock`);
    }
    for (const other of alone) {
      if (overlap(use, other)) faults.push(`two holders: ${use.who} read at ${use.begun} while ${other.who} wrote`);
    }
    const together = uses.filter((other) => other.begun <= use.begun && overlap(use, other));
    if (together.length > most) {
      faults.push(`${together.length} holders of ${most} leases: ${together.map(({ who }) => who).join(', ')}`);
    }
  }
  return faults;
}

function overlap(a: Span, b: Span): boolean {
  return (b.ended === null || a.begun < b.ended) && (a.ended === null || b.begun < a.ended);
}
