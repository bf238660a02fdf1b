import { counterOf, epochOf } from '@headkeeper/protocol';
import type { CommittedLog } from './committed-log.ts';

/**
 * How a learner is brought up to date.
 *
 * - `diff`: its history is a prefix of ours; it gets the txns behind `from`, out of the committed log.
 * - `trunc`: it has txns that we do not have; it cuts its log behind `to` and then gets the txns behind that.
 * - `disk`: as `diff`, but the first txns must come from the log on the disk.
 * - `snap`: it gets the whole state.
 */
export type SyncPlan =
  | { readonly kind: 'diff'; readonly from: number }
  | { readonly kind: 'trunc'; readonly to: number }
  | { readonly kind: 'disk'; readonly from: number }
  | { readonly kind: 'snap' };

/**
 * Decides by the learner's last zxid (quorum-protocol reference, 5.2; stricter in that a DIFF needs the zxid to be found in
 * our history: known failures E10, S17 to S19). `window` holds the history up to its last txn, which we have all of.
 * `diskLeads` answers whether the log on disk holds everything behind a zxid that it knows, at acceptable length.
 */
export function planSync(peerZxid: number, window: CommittedLog, diskLeads: (zxid: number) => boolean): SyncPlan {
  if (window.knows(peerZxid)) return { kind: 'diff', from: peerZxid };
  if (peerZxid > window.base) {
    const to = window.lastNotBeyond(peerZxid);
    // An epoch's zero names no txn: a server that has led reports it, having all that was before.
    if (counterOf(peerZxid) === 0) return { kind: 'diff', from: to };
    // Inside an epoch counters have no gap, so the learner surely has `to`. Beyond our end nothing but a cut will do.
    if (epochOf(to) === epochOf(peerZxid) || peerZxid > window.last) return { kind: 'trunc', to };
    return { kind: 'snap' };
  }
  if (peerZxid > 0 && diskLeads(peerZxid)) return { kind: 'disk', from: peerZxid };
  return { kind: 'snap' };
}
