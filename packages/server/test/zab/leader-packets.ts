/** What a leader sends that a test plays, packet by packet. */
import { QuorumPacketType, Writer, writePacket } from '@headkeeper/protocol';
import { fromHex, type LoggedTxn } from './captures.ts';
import { EPOCH_1, madeUpTxn } from './histories.ts';
import type { MemberHarness } from './member-harness.ts';
import { THREE } from './scenarios.ts';
import type { TestLink } from './test-link.ts';

export type Packet = readonly [type: number, zxid: number, data?: Uint8Array];

export const IN_EPOCH_1: { readonly accepted: number; readonly current: number } = { accepted: 1, current: 1 };

/** Packets of the leader, in one piece. */
export function feed(member: MemberHarness, link: TestLink, ...packets: readonly Packet[]): void {
  const out = new Writer(256);
  for (const [type, zxid, data] of packets) writePacket(out, type, zxid, data ?? null);
  member.feed(link, out.toBytes());
}

export function leaderInfoOf(epoch: number): Packet {
  return [QuorumPacketType.leaderInfo, epoch * EPOCH_1, fromHex('00010000')];
}

export function newLeaderOf(epoch: number): Packet {
  return [QuorumPacketType.newLeader, epoch * EPOCH_1, new TextEncoder().encode(THREE)];
}

export function proposed(...list: readonly LoggedTxn[]): Packet[] {
  return list.map(({ zxid, body }): Packet => [QuorumPacketType.proposal, zxid, body]);
}

/** Txns of epoch 1 with counters from `from` to `to`. */
export function txns(from: number, to: number): LoggedTxn[] {
  return Array.from({ length: to - from + 1 }, (_, i) => madeUpTxn(EPOCH_1 + from + i, `/t${from + i}`));
}
