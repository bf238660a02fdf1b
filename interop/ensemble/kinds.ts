import type { MemberKind } from './member.ts';

const KINDS: readonly MemberKind[] = ['headkeeper', '3.9.5', '3.8.6'];

/**
 * Reads `headkeeper,3.9.5,3.8.6`: the kind of server 1, of server 2, and so on.
 * @throws RangeError for another word
 */
export function kindsOf(text: string): MemberKind[] {
  return text.split(',').map((word) => {
    const kind = KINDS.find((known) => known === word);
    if (kind === undefined) throw new RangeError(`${word} is none of ${KINDS.join(', ')}`);
    return kind;
  });
}
