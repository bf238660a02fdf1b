import type { BackupStatus } from '../../backup/status.ts';
import type { Refusal } from './authorization.ts';
import type { AdminCall, OwnCommand } from './command.ts';
import type { Json, JsonFields } from './json-text.ts';
import { orNull, fields as schemaOf, text, whole } from './schema.ts';

export interface BackupCommandOptions {
  /** null: this server makes no backups. */
  readonly status: () => BackupStatus | null;
  /** Begins a full backup at once; null where that cannot be asked for. */
  readonly backupNow: (() => void) | null;
  readonly authorize: (call: AdminCall) => Refusal | null;
}

/** What the command is, for the description. */
export const BACKUP: Pick<OwnCommand, 'names' | 'method' | 'describe'> = {
  names: ['backup'],
  method: 'any',
  describe: {
    GET: {
      summary: 'How the backups are getting on',
      answer: schemaOf({
        target: text,
        duty: text,
        shipper: orNull(text),
        shipped_zxid: orNull(text),
        lag_txns: whole,
        lag_ms: whole,
        last_success: orNull(whole),
        last_full: orNull(schemaOf({ zxid: orNull(text), taken: whole, bytes: whole })),
        last_failure: orNull(schemaOf({ at: whole, message: text })),
        failures_in_a_row: whole,
        failures: whole,
        fulls: whole,
        segments: whole,
        bytes_shipped: whole,
        blocked: orNull(text),
      }),
    },
    POST: {
      summary: 'Begins a full backup',
      parameters: [{ name: 'now', required: true, schema: { const: 'true' }, description: '`true`' }],
      answer: schemaOf({}),
      statuses: {
        202: 'it has begun',
        400: 'now=true is missing',
        401: 'no credentials, or none that prove anything',
        403: 'they do not hold every permission on `/`',
        503: 'this server makes no backups',
      },
    },
  },
};

/** `backup`: GET tells how the backups are getting on, POST with `now=true` begins one; that needs what `snapshot` needs. */
export function backupCommand(options: BackupCommandOptions): OwnCommand {
  return {
    ...BACKUP,
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
