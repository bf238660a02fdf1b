import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { AdminMetrics } from './admin-metrics.ts';
import type { AdminCall, OwnCommand } from './command.ts';
import { fields } from './schema.ts';
import { StateGate, type StateGateOptions } from './state-gate.ts';

export interface SnapshotCommandOptions extends StateGateOptions {
  /** A client that takes nothing for so long is given up. */
  readonly idleTimeoutMs: number;
  readonly metrics: AdminMetrics;
  /** Why no snapshot can be taken now, or null. */
  readonly unavailable: () => string | null;
  /** Writes the state as it is now into a file of the data directory. */
  readonly take: () => Promise<{ readonly zxid: number; readonly path: string }>;
  /** The bytes of a snapshot's file, uncompressed. */
  readonly read: (path: string) => AsyncIterable<Uint8Array>;
}

/** What the command is, for the description. */
export const SNAPSHOT: Pick<OwnCommand, 'names' | 'method' | 'describe'> = {
  names: ['snapshot', 'snap'],
  method: 'GET',
  describe: {
    GET: {
      summary: 'The state as it is, as a snapshot file; last_zxid and snapshot_size are headers',
      parameters: [
        { name: 'streaming', schema: { enum: ['true', 'false'] }, description: '`false`: the file stays where it is' },
      ],
      answer: fields({}),
      streams: 'application/octet-stream',
      statuses: {
        401: 'no credentials, or none that prove anything',
        403: 'they do not hold every permission on `/`',
        429: 'less than admin.rateLimiterIntervalInMS since the last one',
        500: 'it failed, and how',
        503: 'admin.snapshot.enabled=false',
      },
    },
  },
};

/**
 * `snapshot`: writes the exact state as it is into the data directory and sends the file, without holding up anybody.
 * Credentials, status codes and headers are those of Apache ZooKeeper 3.9.5; the pause between two calls is in milliseconds,
 * as its documentation says, where Apache counts microseconds (feature inventory, section K).
 */
export function snapshotCommand(options: SnapshotCommandOptions): OwnCommand {
  const gate = new StateGate(options, {
    off: 'snapshots over HTTP are off (admin.snapshot.enabled)',
    last: 'the last snapshot was taken',
    obstacle: () => {
      const error = options.unavailable();
      return error === null ? null : { status: 500, error };
    },
    limited: () => options.metrics.snapshotsRateLimited++,
  });
  return {
    ...SNAPSHOT,
    run: async (call) => {
      const refusal = gate.refusal(call);
      if (refusal !== null) return call.json(refusal.status, {}, refusal.error);
      call.keepWaiting();
      try {
        await send(call, await options.take(), options);
      } catch (error) {
        options.metrics.snapshotErrors++;
        throw error;
      }
    },
  };
}

async function send(
  call: AdminCall,
  taken: { readonly zxid: number; readonly path: string },
  { idleTimeoutMs, read }: Pick<SnapshotCommandOptions, 'idleTimeoutMs' | 'read'>,
): Promise<void> {
  const { response, query } = call;
  response.socket?.setTimeout(idleTimeoutMs);
  const { size } = await stat(taken.path);
  response.setHeader('last_zxid', `0x${taken.zxid.toString(16)}`);
  response.setHeader('snapshot_size', size);
  if (query.get('streaming')?.toLowerCase() === 'false') return await call.json(200, {});
  response.setHeader('Content-Type', 'application/octet-stream');
  // What is compressed in the file leaves uncompressed: how much that is shows at its end only.
  const isCompressed = /\.(gz|snappy)$/.test(taken.path);
  if (!isCompressed) response.setHeader('Content-Length', size);
  if (size === 0) throw new Error('the snapshot is empty');
  await pipeline(read(taken.path), response);
}
