/** The znode under which the servers that may ship have theirs. */
export const DUTY_PATH = '/zookeeper/backup';

/** How gladly a server is seen to ship: 0 observer, 1 follower, 2 leader. */
export type Rank = 0 | 1 | 2;

export interface Candidate {
  readonly name: string;
  readonly rank: Rank;
  readonly sid: number;
}

export function candidateName(rank: Rank, sid: number): string {
  return `${rank}-${sid}`;
}

/** The one that has the duty: the smallest rank, then the smallest sid. Names that are no member's do not count. */
export function firstCandidate(
  names: readonly (string | null)[],
  isMember: (sid: number) => boolean,
): Candidate | null {
  let first: Candidate | null = null;
  for (const name of names) {
    const parts = /^([012])-(\d{1,3})$/.exec(name ?? '');
    if (name === null || parts === null) continue;
    const candidate = { name, rank: Number(parts[1]) as Rank, sid: Number(parts[2]) };
    if (!isMember(candidate.sid)) continue;
    const isBefore =
      first === null || candidate.rank < first.rank || (candidate.rank === first.rank && candidate.sid < first.sid);
    if (isBefore) first = candidate;
  }
  return first;
}
