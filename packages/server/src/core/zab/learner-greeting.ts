import { beginPacket, endPacket, epochOf, QuorumPacketType, type Writer, zxidIn } from '@headkeeper/protocol';
import { limits } from '../../limits.ts';
import { longAt } from '../peer-link.ts';
import { readsGrouping, writeGrouping } from './grouping.ts';
import type { LearnerHandler } from './learner-handler.ts';

/** Since 3.4 there has been no other. */
export const PROTOCOL_VERSION = 0x10000;
/** A leader that is told so does not know who votes, and can lead nobody who does. */
export const NEWER_MEMBERSHIP = 'its membership is newer than that of its leader';

/** Writes a learner's first packet. `accepted`: its epoch; `sid` is its number, `version` that of its membership. */
export function writeGreeting(out: Writer, isObserver: boolean, accepted: number, sid: number, version: number): void {
  const { followerInfo, observerInfo } = QuorumPacketType;
  const at = beginPacket(out, isObserver ? observerInfo : followerInfo, zxidIn(accepted, 0));
  out.long(sid);
  out.int(PROTOCOL_VERSION);
  out.long(version);
  if (!isObserver) writeGrouping(out);
  endPacket(out, at);
}

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
  if (length < 12 || view.getInt32(packet.dataStart + 8) < PROTOCOL_VERSION)
    return 'it speaks a protocol older than 3.4';
  handler.sid = longAt(view, packet.dataStart);
  handler.isObserver = isObserver;
  handler.isGrouping = !isObserver && readsGrouping(view, packet.dataStart + 20, packet.dataEnd);
  const configVersion = length >= 20 ? longAt(view, packet.dataStart + 12) : 0;
  if (configVersion > version) return NEWER_MEMBERSHIP;
  if (handler.sid === sid) return 'it has the number of this server itself';
  const accepted = epochOf(packet.zxid);
  return accepted >= limits.largestEpoch ? `its epoch ${accepted} is none that a server can reach` : null;
}
