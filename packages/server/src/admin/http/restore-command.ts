import type { AdminMetrics } from './admin-metrics.ts';
import type { AdminCall, OwnCommand } from './command.ts';
import { fields, whole } from './schema.ts';
import { StateGate, type StateGateOptions } from './state-gate.ts';
import { receiveBody } from './upload.ts';

export interface RestoreCommandOptions extends StateGateOptions {
  readonly metrics: AdminMetrics;
  /** Why nothing can be restored on this server now, or null. */
  readonly obstacle: () => string | null;
  /** Puts the snapshot that `fill` writes into a file in the place of the state; resolves with the zxid that it then has. */
  readonly restore: (fill: (path: string) => Promise<void>) => Promise<number>;
  readonly log: {
    info(facts: object, message: string): void;
    warn(facts: object, message: string): void;
  };
}

/** What the command is, for the description. */
export const RESTORE: Pick<OwnCommand, 'names' | 'method' | 'describe'> = {
  names: ['restore', 'rest'],
  method: 'POST',
  describe: {
    POST: {
      summary: "The snapshot in the body takes the place of the server's state, and of its ensemble's",
      takes: 'application/octet-stream',
      answer: fields({ last_zxid: whole }),
      statuses: {
        400: 'there is no body',
        401: 'no credentials, or none that prove anything',
        403: 'they do not hold every permission on `/`',
        409: 'another server has to be asked, or a restore is under way',
        429: 'less than admin.rateLimiterIntervalInMS since the last one',
        500: 'it failed, and how',
        503: 'admin.restore.enabled=false',
      },
    },
  },
};

/**
 * `restore`: the state of the snapshot in the request's body takes the place of the server's, and in an ensemble of everybody's.
 * Credentials and status codes are those of Apache ZooKeeper 3.9.5; 409 says that another server is to be asked, which Apache
 * does not know: there each server is restored by itself.
 */
export function restoreCommand(options: RestoreCommandOptions): OwnCommand {
  const gate = new StateGate(options, {
    off: 'restoring over HTTP is off (admin.restore.enabled)',
    last: 'the last restore began',
    obstacle: () => {
      const error = options.obstacle();
      return error === null ? null : { status: 409, error };
    },
    limited: () => options.metrics.restoresRateLimited++,
  });
  return {
    ...RESTORE,
    run: async (call) => {
      const refusal = gate.refusal(call);
      if (refusal !== null) return call.json(refusal.status, {}, refusal.error);
      return restore(call, options);
    },
  };
}

async function restore(call: AdminCall, options: RestoreCommandOptions): Promise<void> {
  const { clock, metrics, log } = options;
  const from = call.request.socket.remoteAddress;
  log.warn({ from }, 'a snapshot is coming in that is to take the place of the state');
  let beganMs = clock.monotonicMs();
  try {
    const zxid = await options.restore(async (path) => {
      await receiveBody(call, path);
      beganMs = clock.monotonicMs();
      call.keepWaiting();
    });
    const tookMs = clock.monotonicMs() - beganMs;
    metrics.restored(tookMs);
    log.warn({ from, lastZxid: `0x${zxid.toString(16)}`, tookMs }, 'the state was replaced by that of a snapshot');
    await call.json(200, { last_zxid: zxid });
  } catch (error) {
    metrics.restoreErrors++;
    throw error;
  }
}
