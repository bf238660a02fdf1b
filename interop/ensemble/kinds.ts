import { wrongUse } from '../peers/program-options.ts';
import type { MemberKind } from './member.ts';

const KINDS: readonly MemberKind[] = ['headkeeper', '3.9.5', '3.8.6'];

/** Reads `headkeeper,3.9.5,3.8.6` behind an option: the kind of server 1, of server 2, and so on. Another word ends the program. */
export function kindsOf(text: string): MemberKind[] {
  return text.split(',').map((word) => {
    const kind = KINDS.find((known) => known === word);
    return kind ?? wrongUse(`${word} is none of ${KINDS.join(', ')}`);
  });
}
