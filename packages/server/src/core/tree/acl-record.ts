import { type Acl, type Reader, utf8Length, WORLD_ANYONE_ALL, Writer } from '@headkeeper/protocol';
import type { AclTable } from './acl-table.ts';

/** Bytes of an access control list of one entry, world:anyone with all permissions, as it stands on the wire and on disk. */
const OPEN_LIST = openList();

function openList(): Uint8Array {
  const out = new Writer(32);
  writeAclList(out, WORLD_ANYONE_ALL);
  return out.toBytes();
}

/** Whether the reader stands at the open list; it is then skipped. By far the most common list. */
export function skipOpenList(r: Reader): boolean {
  if (r.remaining() < OPEN_LIST.length) return false;
  for (let i = 0; i < OPEN_LIST.length; i++) if (r.bytes[r.pos + i] !== OPEN_LIST[i]) return false;
  r.skip(OPEN_LIST.length);
  return true;
}

/** Smallest entry: perms and two null strings. */
const MINIMUM_ENTRY_BYTES = 12;

/** Reads a list as sent; null for a null vector. */
export function readAclList(r: Reader): Acl[] | null {
  const count = r.vectorCount(MINIMUM_ENTRY_BYTES);
  if (count < 0) return null;
  const list: Acl[] = [];
  for (let i = 0; i < count; i++) list.push({ perms: r.int(), scheme: r.string(), id: r.string() });
  return list;
}

/** Reads a list and returns its id in the table, with one reference for the caller. */
export function readAcl(r: Reader, table: AclTable): number {
  if (skipOpenList(r)) return -1;
  return table.intern(readAclList(r) ?? []);
}

/** Writes the list of an id. */
export function writeAcl(out: Writer, table: AclTable, aclId: number): void {
  if (aclId === -1) out.raw(OPEN_LIST);
  else writeAclList(out, table.list(aclId));
}

/** Bytes that `writeAclList` takes. */
export function aclListBytes(list: readonly Acl[]): number {
  let count = 4;
  for (const { scheme, id } of list) count += MINIMUM_ENTRY_BYTES + utf8Length(scheme ?? '') + utf8Length(id ?? '');
  return count;
}

export function writeAclList(out: Writer, list: readonly Acl[]): void {
  out.int(list.length);
  for (const entry of list) {
    out.int(entry.perms);
    out.string(entry.scheme);
    out.string(entry.id);
  }
}
