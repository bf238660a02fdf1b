/** What servers say to each other, as bytes that know where their fields are, so that each field can be spoiled. */

import { QuorumPacketType } from '@headkeeper/protocol';
import type { SeededRandom } from '@headkeeper/testkit';
import { Draft, validRequest } from './draft.ts';

const PROTOCOL_VERSION = 0x10000;
const INITIAL_ONE_ADDRESS = -65_536n;
const INITIAL_SEVERAL_ADDRESSES = -65_535n;
const STATES = 4;

/** Numbers of servers that are in the configuration as observers and never run: they may come, and count nowhere. */
export const STRANGERS: readonly number[] = [16, 17];

/** What an opener of an election connection says first. `at`: where it can be reached. */
export function initialMessage(sid: number, at: string, random: SeededRandom): Draft {
  if (random.below(8) === 0) return new Draft().long(BigInt(sid));
  const several = random.below(3) === 0;
  const draft = new Draft().long(several ? INITIAL_SEVERAL_ADDRESSES : INITIAL_ONE_ADDRESS).long(BigInt(sid));
  return draft.buffer(several ? `${at}|${at}` : at);
}

/** The payload of a notification: a vote that a server could have. `zxid`: of the last txn that is known. */
export function notification(config: string, zxid: bigint, random: SeededRandom): Draft {
  const epoch = zxid >> 32n;
  const near = (value: bigint): bigint => (random.below(3) > 0 ? value : value + BigInt(random.below(5) - 2));
  const draft = new Draft()
    .int(random.below(STATES))
    .long(BigInt(random.below(4) === 0 ? random.below(20) : 1 + random.below(3)))
    .long(near(zxid))
    .long(near(BigInt(1 + random.below(4))))
    .long(near(epoch));
  const form = random.below(8);
  if (form === 0) return draft;
  return draft.int(form === 1 ? 1 : 2).buffer(form === 1 ? '' : config);
}

/** One packet of the quorum port, its authinfo null. */
function packet(type: number, zxid: bigint, data: Draft | null): Draft {
  const draft = new Draft().int(type).long(zxid);
  if (data === null) return draft.int(-1).int(-1);
  const base = draft.length + 4;
  draft.buffer(data.written());
  for (const at of data.lengths) draft.lengths.push(base + at);
  for (const at of data.numbers) draft.numbers.push(base + at);
  return draft.int(-1);
}

/** A learner's first packet. */
export function greeting(sid: number, epoch: bigint, random: SeededRandom): Draft {
  const { followerInfo, observerInfo } = QuorumPacketType;
  const data = new Draft().long(BigInt(sid)).int(PROTOCOL_VERSION).long(0n);
  return packet(random.below(3) === 0 ? followerInfo : observerInfo, epoch << 32n, data);
}

/** The answer to LEADERINFO: the learner's epoch, and the end of its history. */
export function ackEpoch(epoch: bigint, zxid: bigint): Draft {
  return packet(QuorumPacketType.ackEpoch, zxid, new Draft().int(Number(epoch)));
}

export function ack(zxid: bigint): Draft {
  return packet(QuorumPacketType.ack, zxid, null);
}

/** Whatever a learner says when it is up to date. `session`: one of its clients'. */
export function steadyPacket(session: bigint, zxid: bigint, random: SeededRandom): Draft {
  const { request, ping, revalidate } = QuorumPacketType;
  const kind = random.below(10);
  if (kind === 0) return ack(random.chance() ? zxid : zxid + BigInt(random.below(9)) - 4n);
  if (kind === 1) {
    const touched = new Draft();
    for (let left = random.below(40); left > 0; left--) touched.long(session + BigInt(left)).int(4_000);
    return packet(ping, zxid, touched);
  }
  if (kind === 2) return packet(revalidate, 0n, new Draft().long(session).int(4_000));
  if (kind === 3) return packet(random.below(24) - 2, zxid, random.chance() ? null : new Draft().long(session));
  if (kind === 4) return packet(request, -1n, new Draft().long(session).int(1).int(9).buffer('/'));
  if (kind === 5) return packet(request, -1n, new Draft().long(session).int(0).int(-10).int(4_000));
  const asked = validRequest(random.below(1 << 30), random);
  const data = new Draft().long(session);
  for (const at of asked.lengths) data.lengths.push(8 + at);
  for (const at of asked.numbers) data.numbers.push(8 + at);
  return packet(request, -1n, data.raw(asked.written()));
}
