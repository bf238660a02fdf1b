import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '../../ports.ts';
import type { AdminMetrics } from './admin-metrics.ts';
import type { AdminCall, OwnCommand } from './admin-server.ts';
import type { Refusal } from './authorization.ts';
import { RateLimit } from './rate-limit.ts';

export interface SnapshotCommandOptions {
  readonly enabled: boolean;
  readonly intervalMs: number;
  /** A client that takes nothing for so long is given up. */
  readonly idleTimeoutMs: number;
  /** `serializeLastProcessedZxid.enabled`: without it a snapshot does not say which zxid it stands for. */
  readonly namesZxid: boolean;
  readonly clock: Clock;
  readonly metrics: AdminMetrics;
  readonly authorize: (call: AdminCall) => Refusal | null;
  /** Why no snapshot can be taken now, or null. */
  readonly unavailable: () => string | null;
  /** Writes the state as it is now into a file of the data directory. */
  readonly take: () => Promise<{ readonly zxid: number; readonly path: string }>;
}

/**
 * `snapshot`: writes the exact state as it is into the data directory and sends the file, without holding up anybody.
 * Credentials, status codes and headers are those of Apache ZooKeeper 3.9.5; the pause between two calls is in milliseconds,
 * as its documentation says, where Apache counts microseconds (feature inventory, section K).
 */
export function snapshotCommand(options: SnapshotCommandOptions): OwnCommand {
  const limit = new RateLimit(options.intervalMs, options.clock);
  return {
    names: ['snapshot', 'snap'],
    method: 'GET',
    run: async (call) => {
      const refusal = options.authorize(call);
      if (refusal !== null) return call.json(refusal.status, {}, refusal.error);
      if (!options.enabled) return call.json(503, {}, 'snapshots over HTTP are off (admin.snapshot.enabled)');
      if (!options.namesZxid) return call.json(500, {}, 'serializeLastProcessedZxid.enabled must be true');
      const unavailable = options.unavailable();
      if (unavailable !== null) return call.json(500, {}, unavailable);
      if (!limit.allow()) {
        options.metrics.snapshotsRateLimited++;
        const pause = 'the last snapshot was taken less than admin.rateLimiterIntervalInMS ago';
        return call.json(429, {}, `${pause} (${options.intervalMs} ms)`);
      }
      call.keepWaiting();
      try {
        await send(call, await options.take(), options.idleTimeoutMs);
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
  idleTimeoutMs: number,
): Promise<void> {
  const { response, query } = call;
  response.socket?.setTimeout(idleTimeoutMs);
  const file = await open(taken.path, 'r');
  try {
    const { size } = await file.stat();
    response.setHeader('last_zxid', `0x${taken.zxid.toString(16)}`);
    response.setHeader('snapshot_size', size);
    if (query.get('streaming')?.toLowerCase() === 'false') return await call.json(200, {});
    response.setHeader('Content-Type', 'application/octet-stream');
    response.setHeader('Content-Length', size);
    if (size === 0) throw new Error('the snapshot is empty');
    await pipeline(file.createReadStream({ autoClose: false, end: size - 1 }), response);
  } finally {
    await file.close();
  }
}
