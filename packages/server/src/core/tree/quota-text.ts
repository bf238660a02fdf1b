import { decodeUtf8 } from '@headkeeper/protocol';

/** What a quota's limits or usage say. -1: not given, no limit. Beyond 2^53 they are rounded. */
export interface QuotaText {
  readonly count: number;
  readonly bytes: number;
  readonly countHardLimit: number;
  readonly byteHardLimit: number;
  /**
   * Whether some part is no `key=number`. Apache fails at such a text, and takes the server down when it is the usage;
   * here that part counts as absent.
   */
  readonly malformed: boolean;
}

/** A 64-bit number; a bigint only where a double could not hold it. */
type Long = number | bigint;

const MIN_LONG = -(2n ** 63n);
const MAX_LONG = 2n ** 63n - 1n;
/** Decimal numbers up to this length, sign included, are safe integers. */
const SAFE_LENGTH = 15;

/** Reads the data of a `zookeeper_limits` or `zookeeper_stats` node (client-protocol reference, 10.1). */
export function parseQuota(data: Uint8Array): QuotaText {
  const { values, malformed } = readPairs(decodeUtf8(data));
  return {
    count: Number(values.get('count') ?? -1),
    bytes: Number(values.get('bytes') ?? -1),
    countHardLimit: Number(values.get('countHardLimit') ?? -1),
    byteHardLimit: Number(values.get('byteHardLimit') ?? -1),
    malformed,
  };
}

/** The text of a usage. */
export function formatQuotaUsage(count: number, bytes: number): string {
  return `count=${count},bytes=${bytes}`;
}

/**
 * The usage text after a change. Keys that a client put there beside count and bytes are kept, and an absent value counts
 * on from -1, as Apache does.
 */
export function adjustQuotaUsage(data: Uint8Array, countDifference: number, byteDifference: number): string {
  const { values } = readPairs(decodeUtf8(data));
  values.set('count', sum(values.get('count') ?? -1, countDifference));
  values.set('bytes', sum(values.get('bytes') ?? -1, byteDifference));
  return writePairs(values);
}

function sum(value: Long, difference: number): Long {
  if (typeof value === 'number') return value + difference;
  return BigInt.asIntN(64, value + BigInt(difference));
}

function readPairs(text: string): { values: Map<string, Long>; malformed: boolean } {
  const values = new Map<string, Long>();
  let malformed = false;
  // Separators at the end are ignored; one at the beginning leaves an empty pair.
  const pairs = withoutEnd(text, ',;');
  if (pairs === '') return { values, malformed };
  for (const pair of pairs.split(/[,;]+/)) {
    const [key = '', value] = withoutEnd(pair, '=').split('=');
    const parsed = value === '' ? -1 : value === undefined ? null : parseLong(value);
    if (parsed === null) malformed = true;
    else values.set(key, parsed);
  }
  return { values, malformed };
}

/**
 * count and bytes first; then, sorted, the other keys behind an additional '=', which makes old parsers, who split at the
 * comma and read two numbers, ignore them.
 */
function writePairs(values: ReadonlyMap<string, Long>): string {
  let text = `count=${values.get('count') ?? -1},bytes=${values.get('bytes') ?? -1}`;
  if (values.size === 2) return text;
  text += '=';
  for (const key of [...values.keys()].sort()) {
    if (key !== 'count' && key !== 'bytes') text += `;${key}=${values.get(key)}`;
  }
  return text;
}

/** The text without those of the characters that stand at its end. A pattern would take quadratic time. */
function withoutEnd(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text[end - 1])) end--;
  return text.slice(0, end);
}

function parseLong(text: string): Long | null {
  if (!/^[+-]?[0-9]+$/.test(text)) return null;
  if (text.length <= SAFE_LENGTH) return Number(text) + 0;
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text);
  return value < MIN_LONG || value > MAX_LONG ? null : value;
}
