import { OpCode } from '@headkeeper/protocol';
import { hasNulls, OPEN } from './acls.ts';
import { type AclVector, Body, type Bytes } from './frames.ts';

/** What a successful request (or part of a multi) does to the generator's picture. */
export type Change =
  | { readonly kind: 'create'; readonly ephemeral: boolean; readonly open: boolean }
  | { readonly kind: 'delete'; readonly path: Bytes }
  | { readonly kind: 'set'; readonly path: Bytes }
  | { readonly kind: 'setACL'; readonly path: Bytes }
  | { readonly kind: 'none' };

/** A request body with what the run needs to know about it. */
export interface Draft {
  readonly op: number;
  readonly body: Uint8Array;
  readonly note: string;
  /** One per part of a multi; one for anything else. */
  readonly changes: readonly Change[];
  readonly isMulti: boolean;
  /** Paths it names. */
  readonly paths: readonly (Bytes | null)[];
  /** False where Apache's answer in a pipeline depends on how far earlier requests have got. */
  readonly pipelines: boolean;
  /** True where Apache gives up midway (a null it does not expect) instead of refusing. */
  readonly stumbles: boolean;
  /** False where cutting or bending the bytes could stop Apache's server. */
  readonly bendable: boolean;
}

const NONE: readonly Change[] = [{ kind: 'none' }];

/** A readable form of a byte string. */
export function show(text: Bytes | null): string {
  if (text === null) return 'null';
  const shown = JSON.stringify(text).replace(/[\x7f-\xff]/g, (c) => `\\x${c.charCodeAt(0).toString(16)}`);
  return shown.length > 160 ? `${shown.slice(0, 150)}…(${text.length})` : shown;
}

const OP_NAMES = new Map<number, string>(Object.entries(OpCode).map(([name, code]) => [code, name]));

export function opName(op: number): string {
  return OP_NAMES.get(op) ?? `op${op}`;
}

function draft(
  op: number,
  body: Body,
  note: string,
  paths: readonly (Bytes | null)[],
  more: Partial<Draft> = {},
): Draft {
  return {
    op,
    body: body.done(),
    note: `${opName(op)} ${note}`,
    changes: NONE,
    isMulti: false,
    paths,
    pipelines: true,
    stumbles: false,
    bendable: true,
    ...more,
  };
}

export function pathOnly(op: number, path: Bytes | null): Draft {
  return draft(op, new Body().text(path), show(path), [path]);
}

export function read(op: number, path: Bytes | null, watch: boolean): Draft {
  return draft(op, new Body().text(path).bool(watch), `${show(path)}${watch ? ' watch' : ''}`, [path]);
}

export function pathAndInt(op: number, path: Bytes | null, value: number): Draft {
  return draft(op, new Body().text(path).int(value), `${show(path)} ${value}`, [path]);
}

export function bare(op: number, body: Body = new Body(), note = '', more: Partial<Draft> = {}): Draft {
  return draft(op, body, note, [], more);
}

export function showAcl(acl: AclVector): string {
  if (acl === null) return 'acl:null';
  if (typeof acl === 'number') return `acl:count ${acl}`;
  if (acl.length === 1 && acl[0]?.scheme === 'world' && acl[0].perms === 31 && acl[0].id === 'anyone') return 'open';
  return `[${acl.map((entry) => `${entry.perms}:${show(entry.scheme)}:${show(entry.id)}`).join(', ')}]`;
}

export function create(
  op: number,
  path: Bytes | null,
  data: Bytes | null,
  acl: AclVector,
  flags: number,
  ttl: bigint | null,
): Draft {
  const body = new Body().text(path).text(data).acl(acl).int(flags);
  if (ttl !== null) body.long(ttl);
  const note = `${show(path)} data ${show(data)} ${showAcl(acl)} flags ${flags}${ttl === null ? '' : ` ttl ${ttl}`}`;
  const ephemeral = (flags === 1 || flags === 3) && op !== OpCode.createContainer;
  return draft(op, body, note, [path], {
    changes: [{ kind: 'create', ephemeral, open: acl === OPEN }],
    // A container asked for with an ephemeral flag counts as an ephemeral parent until it is applied.
    pipelines: !(op === OpCode.createContainer && (flags === 1 || flags === 3)),
    stumbles: acl === null || hasNulls(acl),
    bendable: op !== OpCode.createTTL,
  });
}

export function remove(path: Bytes | null, version: number): Draft {
  return draft(OpCode.delete, new Body().text(path).int(version), `${show(path)} v${version}`, [path], {
    changes: path === null ? NONE : [{ kind: 'delete', path }],
  });
}

export function setData(path: Bytes | null, data: Bytes | null, version: number, bendable = true): Draft {
  const note = `${show(path)} data ${show(data)} v${version}`;
  return draft(OpCode.setData, new Body().text(path).text(data).int(version), note, [path], {
    changes: path === null ? NONE : [{ kind: 'set', path }],
    bendable,
  });
}

export function setACL(path: Bytes | null, acl: AclVector, version: number): Draft {
  const note = `${show(path)} ${showAcl(acl)} v${version}`;
  return draft(OpCode.setACL, new Body().text(path).acl(acl).int(version), note, [path], {
    changes: path === null ? NONE : [{ kind: 'setACL', path }],
    // Apache checks requests behind a setACL against the old list until the new one is applied.
    pipelines: false,
  });
}

/** How the end of a multi is written. */
export type MultiEnd = 'proper' | 'odd' | 'missing';

export function multi(op: number, parts: readonly Draft[], end: MultiEnd): Draft {
  const body = new Body();
  for (const part of parts) body.int(part.op).bool(false).int(-1).raw(part.body);
  if (end === 'proper') body.int(-1).bool(true).int(-1);
  if (end === 'odd') body.int(5).byte(7).int(0);
  const note = `[${parts.map((part) => part.note).join('; ')}]${end === 'proper' ? '' : ` end ${end}`}`;
  return draft(
    op,
    body,
    note,
    parts.flatMap((part) => part.paths),
    {
      changes: parts.flatMap((part) => part.changes),
      isMulti: true,
      // What gives up midway leaves the parts before it pending, visible to the next request or not.
      pipelines: parts.every((part) => part.pipelines && !part.stumbles),
      bendable: parts.every((part) => part.bendable),
    },
  );
}
