import { Reader } from '../bytes/reader.ts';
import type { Writer } from '../bytes/writer.ts';

/** The protocol of learners and leaders since 3.4: the leader proposes the epoch. Also the data of LEADERINFO. */
export const LEARNER_PROTOCOL_VERSION = 0x10000;

/** What a server before 3.4 speaks, which does not name its protocol. */
const OLDEST_PROTOCOL_VERSION = 1;

/** Bytes up to and with the protocol, and the version of the configuration. */
const WITH_PROTOCOL_BYTES = 12;
const WITH_CONFIG_BYTES = 20;

/** The data of FOLLOWERINFO and OBSERVERINFO (quorum-protocol reference, sections 2 and 4.2). */
export interface LearnerInfo {
  /** Server id; null for an anonymous learner, whose packet has null data. */
  readonly sid: number | null;
  readonly protocolVersion: number;
  /** zxid of the configuration that the learner has as committed; 0 when it does not say. */
  readonly configVersion: number;
}

/** Appends the complete form: 20 bytes. */
export function writeLearnerInfo(out: Writer, sid: number, configVersion: number): void {
  out.long(sid);
  out.int(LEARNER_PROTOCOL_VERSION);
  out.long(configVersion);
}

/**
 * Reads the data of a learner's first packet; what a shorter form lacks has its default.
 *
 * @throws JuteError 'truncated' when there is data, but no complete server id.
 */
export function decodeLearnerInfo(data: Uint8Array | null): LearnerInfo {
  if (data === null) return { sid: null, protocolVersion: OLDEST_PROTOCOL_VERSION, configVersion: 0 };
  const input = new Reader(data);
  const sid = input.long();
  const protocolVersion = data.length >= WITH_PROTOCOL_BYTES ? input.int() : OLDEST_PROTOCOL_VERSION;
  const configVersion = data.length >= WITH_CONFIG_BYTES ? input.long() : 0;
  return { sid, protocolVersion, configVersion };
}
