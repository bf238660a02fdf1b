import {
  type Acl,
  CreateMode,
  type CreateRequest,
  encodeUtf8,
  OpCode,
  type PathVersionRequest,
  type SetDataRequest,
  WORLD_ANYONE_ALL,
} from '@headkeeper/protocol';
import type { RawClient, Received } from '@headkeeper/testkit';

/** The body of a create, open to everybody unless said otherwise. */
export function creation(
  path: string,
  flags: number = CreateMode.persistent,
  data: string | null = '',
  acl: readonly Acl[] | null = WORLD_ANYONE_ALL,
): CreateRequest {
  return { path, data: data === null ? null : encodeUtf8(data), acl, flags };
}

export function setting(path: string, data: string | null, version = -1): SetDataRequest {
  return { path, data: data === null ? null : encodeUtf8(data), version };
}

export function version(path: string, at = -1): PathVersionRequest {
  return { path, version: at };
}

/** Members of a multi. */
export const member = {
  create: (path: string, flags?: number, data?: string) =>
    ({ type: OpCode.create, body: creation(path, flags, data) }) as const,
  create2: (path: string, flags?: number, data?: string) =>
    ({ type: OpCode.create2, body: creation(path, flags, data) }) as const,
  setData: (path: string, data: string | null, at?: number) =>
    ({ type: OpCode.setData, body: setting(path, data, at) }) as const,
  delete: (path: string, at?: number) => ({ type: OpCode.delete, body: version(path, at) }) as const,
  check: (path: string, at?: number) => ({ type: OpCode.check, body: version(path, at) }) as const,
};

/** Creates each path, its ancestors must be there. */
export function make(client: RawClient, ...paths: string[]): void {
  for (const path of paths) client.must('create', creation(path));
}

/** What has arrived, in short: `create 0`, `event 3 /a`. */
export function summary(received: readonly Received[]): string[] {
  return received.map((one) => {
    if (one.kind === 'event') return `event ${one.type} ${one.path}`;
    if (one.kind === 'reply') return `${one.op ?? 'unknown'} ${one.err}`;
    return one.timeOut === 0 ? 'refused' : 'session';
  });
}
