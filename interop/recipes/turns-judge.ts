/** Judges turns that only one at a time may have, by what was said of them and by the number each of them raised. */

export interface Turn {
  readonly who: string;
  /** Nanoseconds. */
  readonly entered: bigint;
  /** The zxid of its znode; null when the process could not find it. */
  readonly token: bigint | null;
  /** null: it was killed before it said so. */
  readonly left: bigint | null;
  /** The number it found; null as with `left`. */
  readonly before: number | null;
  /** When its process was surely dead, if it was killed. */
  readonly diedAt: bigint | null;
}

/** @param finalCount The number that is there at the end; it was 0 at the beginning. */
export function judgeTurns(turns: readonly Turn[], finalCount: number): string[] {
  const faults: string[] = [];
  const inOrder = [...turns].sort((a, b) => (a.entered < b.entered ? -1 : Number(a.entered > b.entered)));
  let previous: Turn | null = null;
  // What the number can be: a process that was killed within its turn may or may not have raised it.
  let least = 0;
  let most = 0;
  for (const turn of inOrder) {
    if (previous !== null) {
      const end = previous.left ?? previous.diedAt;
      if (end === null) faults.push(`${previous.who} entered at ${previous.entered} and never left`);
      else if (turn.entered < end) {
        faults.push(`two holders: ${turn.who} entered ${end - turn.entered} ns before ${previous.who} left`);
      }
      if (turn.token === null) faults.push(`${turn.who} found no znode of its own when it entered`);
      else if (previous.token !== null && turn.token <= previous.token) {
        faults.push(`${turn.who} entered with token ${turn.token} after ${previous.who} with ${previous.token}`);
      }
    }
    previous = turn;
    if (turn.before === null) {
      most++;
      continue;
    }
    if (turn.before < least || turn.before > most) {
      faults.push(
        `lost: ${turn.who} found ${turn.before}, it has to be ${least === most ? least : `${least} to ${most}`}`,
      );
    }
    least = turn.before + 1;
    most = least;
  }
  if (finalCount < least || finalCount > most) {
    faults.push(
      `lost: at the end there is ${finalCount}, it has to be ${least === most ? least : `${least} to ${most}`}`,
    );
  }
  return faults;
}
