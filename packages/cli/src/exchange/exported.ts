import { type Acl, type Stat, validatePath } from '@headkeeper/protocol';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { zxidText } from '../history/moment.ts';
import { type AclJson, aclJson, permissionsOf, printableText } from '../history/value-text.ts';
import { childPath, parentPath, type Znode, type ZnodeKind } from '../history/znode.ts';

export const EXPORT_FORMAT = 'headkeeper-export';
/** Version of the format that is written; it and all before it are read. */
export const EXPORT_VERSION = 1;

/** Stands before the znodes of an export. */
export interface ExportHead {
  readonly format: typeof EXPORT_FORMAT;
  readonly version: number;
  /** What was exported, and from where: for people. */
  readonly path: string;
  readonly source: string;
  /** How many znodes follow: one that is cut short is recognised. */
  readonly count: number;
}

/** A znode of an export, without its data. Paths are relative to the exported znode, which is `/`. */
export interface ExportedMeta {
  readonly path: string;
  readonly kind: ZnodeKind;
  /** Milliseconds. */
  readonly ttlMs?: number;
  readonly acl: readonly AclJson[];
  /** For information: an import makes new ones. */
  readonly stat: object;
}

/** A znode of an export as text. */
export type ExportedZnode = ExportedMeta &
  (
    | { readonly data: string | null; readonly dataBase64?: undefined }
    | { readonly data?: undefined; readonly dataBase64: string }
  );

export function exportedMeta(znode: Znode, top: string): ExportedMeta {
  return {
    path: relativePath(znode.path, top),
    kind: znode.kind,
    ...(znode.ttlMs === null ? {} : { ttlMs: znode.ttlMs }),
    acl: aclJson(znode.acl),
    stat: statJson(znode.stat),
  };
}

export function exportedZnode(znode: Znode, top: string): ExportedZnode {
  const { path, ...rest } = exportedMeta(znode, top);
  if (znode.data === null) return { path, data: null, ...rest };
  const text = printableText(znode.data);
  if (text !== null) return { path, data: text, ...rest };
  return { path, dataBase64: Buffer.from(znode.data).toString('base64'), ...rest };
}

/** A znode that a file describes, at its place below `top`; it has no stat yet. */
export function importedZnode(meta: unknown, data: Uint8Array | null, top: string, where: string): Znode {
  const { path, kind, ttlMs, acl } = fieldsOf(meta, where);
  if (typeof path !== 'string' || validatePath(path) !== null) throw wrong(where, 'its path is no path');
  if (!isKind(kind)) throw wrong(where, 'its kind is none of persistent, ephemeral, container and ttl');
  const hasTtl = typeof ttlMs === 'number' && Number.isSafeInteger(ttlMs) && ttlMs > 0;
  if (kind === 'ttl' && !hasTtl) throw wrong(where, 'it is a TTL znode without a ttlMs above 0');
  return {
    path: absolutePath(path, top),
    data,
    acl: aclOf(acl, where),
    stat: NO_STAT,
    kind,
    ttlMs: kind === 'ttl' && hasTtl ? ttlMs : null,
  };
}

/** The data of an `ExportedZnode`. */
export function importedData(znode: unknown, where: string): Uint8Array | null {
  const { data, dataBase64 } = fieldsOf(znode, where);
  if (dataBase64 === undefined) {
    if (data === null) return null;
    if (typeof data === 'string') return Buffer.from(data, 'utf8');
    throw wrong(where, 'it has neither data (a text or null) nor dataBase64');
  }
  if (data !== undefined) throw wrong(where, 'it has both data and dataBase64');
  if (typeof dataBase64 !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(dataBase64) || dataBase64.length % 4 !== 0) {
    throw wrong(where, 'its dataBase64 is no Base64');
  }
  return Buffer.from(dataBase64, 'base64');
}

/** Checks the head of an export; returns how many znodes must follow. */
export function importedCount(head: unknown, file: string): number {
  const { format, version, count } = fieldsOf(head, file);
  if (format !== EXPORT_FORMAT) throw wrong(file, `it is no export: its format is not "${EXPORT_FORMAT}"`);
  if (typeof version !== 'number' || typeof count !== 'number') throw wrong(file, 'its version or count is missing');
  if (version > EXPORT_VERSION) {
    throw wrong(
      file,
      `it was written in version ${version} of the format and this release reads up to ${EXPORT_VERSION}`,
    );
  }
  return count;
}

/** An export cannot be read; `where` names the file, and the znode in it. */
export function wrong(where: string, what: string): CommandError {
  return new CommandError(`${where}: ${what}`, ExitCode.damaged);
}

/**
 * Makes sure that every znode stands behind its parent, and none twice.
 *
 * @throws CommandError that names the file and the znode.
 */
export function requireWhole(znodes: readonly Znode[], top: string, count: number, file: string): void {
  if (znodes.length !== count) {
    throw wrong(file, `it says that it holds ${count} znodes, and holds ${znodes.length}: it is not whole`);
  }
  const seen = new Set<string>();
  for (const { path } of znodes) {
    if (seen.has(path)) throw wrong(file, `${path} is in it twice`);
    if (path !== top && !seen.has(parentPath(path)))
      throw wrong(file, `${path} is in it before its parent, or without it`);
    seen.add(path);
  }
}

/** That of a znode which a server has not created yet. */
export const NO_STAT: Stat = {
  czxid: 0,
  mzxid: 0,
  ctime: 0,
  mtime: 0,
  version: 0,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: 0n,
  dataLength: 0,
  numChildren: 0,
  pzxid: 0,
};

function statJson(stat: Stat): object {
  return {
    czxid: zxidText(stat.czxid),
    mzxid: zxidText(stat.mzxid),
    pzxid: zxidText(stat.pzxid),
    ctime: new Date(stat.ctime).toISOString(),
    mtime: new Date(stat.mtime).toISOString(),
    version: stat.version,
    cversion: stat.cversion,
    aversion: stat.aversion,
    ephemeralOwner: `0x${BigInt.asUintN(64, stat.ephemeralOwner).toString(16)}`,
    numChildren: stat.numChildren,
  };
}

function relativePath(path: string, top: string): string {
  if (top === '/') return path;
  return path === top ? '/' : path.slice(top.length);
}

function absolutePath(path: string, top: string): string {
  return path === '/' ? top : childPath(top, path.slice(1));
}

function isKind(kind: unknown): kind is ZnodeKind {
  return kind === 'persistent' || kind === 'ephemeral' || kind === 'container' || kind === 'ttl';
}

function aclOf(list: unknown, where: string): Acl[] {
  if (!Array.isArray(list)) throw wrong(where, 'it has no acl');
  return list.map((entry: unknown) => {
    const { scheme, id, perms } = fieldsOf(entry, where);
    const bits = typeof perms === 'string' ? permissionsOf(perms) : null;
    if (bits === null) throw wrong(where, 'the perms of its acl are no letters of cdrwa');
    return { scheme: textOrNull(scheme, where), id: textOrNull(id, where), perms: bits };
  });
}

function textOrNull(value: unknown, where: string): string | null {
  if (value === null || typeof value === 'string') return value;
  throw wrong(where, 'a scheme or id of its acl is no text');
}

function fieldsOf(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw wrong(where, 'an object is expected');
}
