import type { BackupStatus } from '../../backup/status.ts';
import type { AdminCall, OwnCommand } from './admin-server.ts';
import type { Refusal } from './authorization.ts';
import type { Json, JsonFields } from './json-text.ts';

export interface BackupCommandOptions {
  /** null: this server makes no backups. */
  readonly status: () => BackupStatus | null;
  /** Begins a full backup at once; null where that cannot be asked for. */
  readonly backupNow: (() => void) | null;
  readonly authorize: (call: AdminCall) => Refusal | null;
}

/** `backup`: GET tells how the backups are getting on, POST with `now=true` begins one; that needs what `snapshot` needs. */
export function backupCommand(options: BackupCommandOptions): OwnCommand {
  return {
    names: ['backup'],
    method: 'any',
    run: async (call) => {
      if (call.request.method === 'POST') {
        const refusal = options.authorize(call);
        if (refusal !== null) return call.json(refusal.status, {}, refusal.error);
        if (call.query.get('now') !== 'true') return call.json(400, {}, 'say what to do: now=true');
        if (options.backupNow === null) return call.json(503, {}, NONE);
        options.backupNow();
        return call.json(202, {});
      }
      const status = options.status();
      return status === null ? call.json(200, {}, NONE) : call.json(200, fields(status));
    },
  };
}

const NONE = 'this server makes no backups (backup.target is not set)';

function fields(status: BackupStatus): JsonFields {
  const shipped = status.shippedZxid;
  return {
    target: status.target,
    duty: status.duty,
    shipper: status.shipper,
    shipped_zxid: zxidText(shipped),
    lag_txns: status.lagTxns,
    lag_ms: status.lagMs,
    last_success: status.lastSuccessMs,
    last_full:
      status.lastFull === null
        ? null
        : {
            zxid: zxidText(status.lastFull.zxid),
            taken: status.lastFull.takenMs,
            bytes: status.lastFull.bytes,
          },
    last_failure:
      status.lastFailure === null ? null : { at: status.lastFailure.atMs, message: status.lastFailure.message },
    failures_in_a_row: status.failuresInARow,
    failures: status.failures,
    fulls: status.fulls,
    segments: status.segments,
    bytes_shipped: status.bytesShipped,
    blocked: status.blocked,
  };
}

function zxidText(zxid: number | null): Json {
  return zxid === null ? null : `0x${zxid.toString(16)}`;
}
