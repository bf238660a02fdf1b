import {
  CreateMode,
  type ErrorResponse,
  type GetChildren2Response,
  type GetDataResponse,
  type MultiOperation,
  type MultiResponse,
  OpCode,
  type Stat,
} from '@headkeeper/protocol';
import type { TreeWrite } from '@headkeeper/testkit';
import { dataText } from '../model/byte-text.ts';
import {
  type CreateModeName,
  type Result,
  type SubRequest,
  sessionText,
  type ToldStat,
  type WriteRequest,
} from './lines.ts';

const MODES: ReadonlyMap<number, CreateModeName> = new Map([
  [CreateMode.persistent, 'persistent'],
  [CreateMode.ephemeral, 'ephemeral'],
  [CreateMode.persistentSequential, 'persistentSequential'],
  [CreateMode.ephemeralSequential, 'ephemeralSequential'],
  [CreateMode.container, 'container'],
  [CreateMode.persistentWithTTL, 'ttl'],
]);

/** A write as a history has it. */
export function requestOf(write: TreeWrite): WriteRequest {
  if (write.op !== 'multi') return simple(OpCode[write.op], write.body) as WriteRequest;
  return { do: 'multi', in: { ops: write.body.ops.map(({ type, body }) => simple(type, body)) } };
}

function simple(type: number, body: Exclude<TreeWrite, { op: 'multi' }>['body'] | MultiOperation['body']): SubRequest {
  const path = body.path as string;
  if ('flags' in body) {
    const mode = MODES.get(body.flags);
    if (mode === undefined) throw new Error(`histories have no create mode ${body.flags}`);
    return { do: 'create', in: { path, data: dataText(body.data), mode } };
  }
  const version = 'version' in body ? body.version : -1;
  if ('data' in body) return { do: 'setData', in: { path, data: dataText(body.data), version } };
  if ('acl' in body) return { do: 'setACL', in: { path, version } };
  return { do: type === OpCode.check ? 'check' : 'delete', in: { path, version } };
}

/** The body of an answer without an error, as a history has it. */
export function resultOf(op: string, body: unknown): Result | undefined {
  if (body === null) return undefined;
  if (op === 'multi') {
    const { results } = body as MultiResponse;
    return {
      results: results.map(({ type, body: each }) => (type === OpCode.error ? (each as ErrorResponse).err : 0)),
    };
  }
  const { stat, data, path } = body as Partial<GetDataResponse & { path: string }>;
  const { children } = body as Partial<GetChildren2Response>;
  return {
    ...(path === undefined || op === 'sync' ? {} : { path }),
    ...(data === undefined ? {} : { data: dataText(data) }),
    ...(children === undefined ? {} : { children: (children ?? []) as string[] }),
    ...(stat === undefined ? {} : { stat: toldStat(stat) }),
  };
}

function toldStat(stat: Stat): ToldStat {
  const { czxid, mzxid, pzxid, version, cversion, aversion, dataLength, numChildren } = stat;
  const ephemeralOwner = sessionText(stat.ephemeralOwner);
  return { czxid, mzxid, pzxid, version, cversion, aversion, ephemeralOwner, dataLength, numChildren };
}
