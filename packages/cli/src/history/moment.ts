import type { SoughtChange } from '@headkeeper/server/internal';
import { CommandError, ExitCode } from '../exit-codes.ts';

/** A point of the history that has a name of its own. */
export type NamedMoment =
  /** Right after this txn. */
  | { readonly kind: 'zxid'; readonly zxid: number }
  /** Right before the first txn that is later; milliseconds since 1970. */
  | { readonly kind: 'time'; readonly ms: number }
  /** The newest state that the source holds. */
  | { readonly kind: 'now' };

/** A point of the history. */
export type Moment =
  | NamedMoment
  /** Right before the last such change. */
  | { readonly kind: 'before'; readonly change: SoughtChange };

const DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;
/** Up to so many digits a number is seconds since 1970, above it milliseconds. */
const SECONDS_DIGITS = 10;

/**
 * Reads a zxid (`0x100000002`), an ISO 8601 time (without a zone it is the local time, a date alone its midnight), a number
 * of seconds or milliseconds since 1970, or `now`.
 *
 * @throws CommandError with the exit code for wrong arguments.
 */
export function parseMoment(text: string): NamedMoment {
  if (text === 'now') return { kind: 'now' };
  if (/^0x[0-9a-f]{1,16}$/i.test(text)) {
    const zxid = Number(BigInt(text));
    if (!Number.isSafeInteger(zxid)) throw wrong(text);
    return { kind: 'zxid', zxid };
  }
  if (/^\d{1,14}$/.test(text)) {
    return { kind: 'time', ms: text.length <= SECONDS_DIGITS ? Number(text) * 1000 : Number(text) };
  }
  if (DATE.test(text)) {
    const normal = text.replace(' ', 'T').replace(',', '.');
    const ms = Date.parse(normal.length === 10 ? `${normal}T00:00` : normal);
    if (!Number.isNaN(ms)) return { kind: 'time', ms };
  }
  throw wrong(text);
}

/** A moment as messages name it. */
export function momentText(moment: Moment): string {
  switch (moment.kind) {
    case 'zxid':
      return zxidText(moment.zxid);
    case 'time':
      return new Date(moment.ms).toISOString();
    case 'now':
      return 'now';
    case 'before':
      return `before the last ${moment.change.operation ?? 'change'} of ${moment.change.path}`;
  }
}

export function zxidText(zxid: number): string {
  return `0x${zxid.toString(16)}`;
}

function wrong(text: string): CommandError {
  return new CommandError(
    `"${text}" is no point in time: expected a zxid such as 0x100000002, a time such as 2026-01-31T14:03:07Z, ` +
      'seconds or milliseconds since 1970, or now',
    ExitCode.usage,
  );
}
