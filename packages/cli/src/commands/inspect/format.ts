import { type Acl, Permission } from '@headkeeper/protocol';

const LETTERS: readonly (readonly [number, string])[] = [
  [Permission.create, 'c'],
  [Permission.delete, 'd'],
  [Permission.read, 'r'],
  [Permission.write, 'w'],
  [Permission.admin, 'a'],
];

/** A 64-bit number as `0x...`, negative ones in two's complement, as Java prints it. */
export function hex(value: number | bigint): string {
  return `0x${BigInt.asUintN(64, BigInt(value)).toString(16)}`;
}

/** The same, with zeros up to `width` characters in all. */
export function wideHex(value: number | bigint, width = 16): string {
  return `0x${hex(value)
    .slice(2)
    .padStart(width - 2, '0')}`;
}

/** Milliseconds since 1970 as text; times out of the range of dates as a number. */
export function time(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms);
}

/** `scheme:id:cdrwa`, several separated by commas; `null` for no list. */
export function aclText(list: readonly Acl[] | null): string {
  if (list === null) return 'null';
  return list.map((acl) => `${acl.scheme ?? 'null'}:${acl.id ?? 'null'}:${permissions(acl.perms)}`).join(',');
}

function permissions(perms: number): string {
  const letters = LETTERS.map(([bit, letter]) => ((perms & bit) === 0 ? '' : letter)).join('');
  return (perms & ~31) === 0 ? letters : `${letters}+${perms & ~31}`;
}

/** Text that is valid UTF-8 as it is, with line breaks and other controls escaped; anything else in Base64. */
export function dataText(data: Uint8Array | null): string {
  if (data === null) return 'null';
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
    return text.replace(/[\u0000-\u001f\u007f\\]/g, (character) => JSON.stringify(character).slice(1, -1));
  } catch {
    return `base64:${base64(data)}`;
  }
}

export function base64(data: Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.length).toString('base64');
}

/** For JSON.stringify: bytes in Base64, 64-bit numbers as `0x...` strings. */
export function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return hex(value);
  if (value instanceof Uint8Array) return base64(value);
  return value;
}
