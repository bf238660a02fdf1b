import type { Acl } from '@headkeeper/protocol';

/** In text, values are cut to so many characters; JSON has all of them. */
const MOST_CHARACTERS = 512;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const UNPRINTABLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/;

/** The bytes as text; null when they are none, or hold characters that cannot be seen. Line breaks and tabs can. */
export function printableText(data: Uint8Array): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
    return UNPRINTABLE.test(text) ? null : text;
  } catch {
    return null;
  }
}

/** A value for people: text in quotes, else hexadecimal, with its size. */
export function valueText(data: Uint8Array | null): string {
  if (data === null) return 'null';
  const text = printableText(data);
  const shown = text === null ? `0x${Buffer.from(data).toString('hex')}` : JSON.stringify(text);
  const cut = shown.length > MOST_CHARACTERS ? `${shown.slice(0, MOST_CHARACTERS)}...` : shown;
  return `${cut} (${data.length} ${data.length === 1 ? 'byte' : 'bytes'})`;
}

/** A value in JSON: whole. */
export type ValueJson =
  | { readonly text: string; readonly bytes: number }
  | { readonly hex: string; readonly bytes: number };

export function valueJson(data: Uint8Array | null): ValueJson | null {
  if (data === null) return null;
  const text = printableText(data);
  const bytes = data.length;
  return text === null ? { hex: Buffer.from(data).toString('hex'), bytes } : { text, bytes };
}

const LETTERS = 'rwcda';

/** Permissions as letters, in the order c, d, r, w, a; as a number when they hold bits that have no letter. */
function permissionText(perms: number): string {
  if ((perms & ~31) !== 0) return String(perms);
  return [...'cdrwa'].filter((letter) => (perms & (1 << LETTERS.indexOf(letter))) !== 0).join('');
}

/** An access control list in JSON and in exports. */
export interface AclJson {
  readonly scheme: string | null;
  readonly id: string | null;
  readonly perms: string;
}

export function aclJson(acl: readonly Acl[]): AclJson[] {
  return acl.map(({ scheme, id, perms }) => ({ scheme, id, perms: permissionText(perms) }));
}

/** The permissions that such a text stands for; null when it is none. */
export function permissionsOf(text: string): number | null {
  if (/^-?\d{1,10}$/.test(text)) return Number(text) | 0;
  let perms = 0;
  for (const letter of text) {
    const at = LETTERS.indexOf(letter);
    if (at < 0 || (perms & (1 << at)) !== 0) return null;
    perms |= 1 << at;
  }
  return perms;
}

/** A list for people: `scheme:id:cdrwa`, several separated by commas. */
export function aclText(acl: readonly Acl[]): string {
  return acl.map(({ scheme, id, perms }) => `${scheme}:${id}:${permissionText(perms)}`).join(',');
}
