import { QuorumPacketType } from '@headkeeper/protocol';
import { limits } from '../../limits.ts';
import { longAt } from '../peer-link.ts';
import { readsGrouping } from './grouping.ts';
import type { LearnerHandler } from './learner-handler.ts';

const TWO_32 = 4294967296;
const OLDEST_PROTOCOL = 0x10000;
/** A leader that is told so does not know who votes, and can lead nobody who does. */
export const NEWER_MEMBERSHIP = 'its membership is newer than that of its leader';

/**
 * Reads a learner's first packet into its handler (quorum-protocol reference, 4.2); returns why it cannot be served, or null.
 * `sid` is this server's own number, `version` that of its membership.
 */
export function readGreeting(handler: LearnerHandler, sid: number, version: number): string | null {
  const { packet, view } = handler.link;
  const isObserver = packet.type === QuorumPacketType.observerInfo;
  if (!isObserver && packet.type !== QuorumPacketType.followerInfo)
    return `it begins with a packet of type ${packet.type}`;
  const length = packet.dataEnd - packet.dataStart;
  if (length < 12 || view.getInt32(packet.dataStart + 8) < OLDEST_PROTOCOL)
    return 'it speaks a protocol older than 3.4';
  handler.sid = longAt(view, packet.dataStart);
  handler.isObserver = isObserver;
  handler.isGrouping = !isObserver && readsGrouping(view, packet.dataStart + 20, packet.dataEnd);
  const configVersion = length >= 20 ? longAt(view, packet.dataStart + 12) : 0;
  if (configVersion > version) return NEWER_MEMBERSHIP;
  if (handler.sid === sid) return 'it has the number of this server itself';
  const accepted = Math.floor(packet.zxid / TWO_32);
  return accepted >= limits.largestEpoch ? `its epoch ${accepted} is none that a server can reach` : null;
}
