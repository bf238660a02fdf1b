import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';

/** What a server is doing, as notifications carry it (election-protocol reference, section 3.1). */
export const ServerState = { looking: 0, following: 1, leading: 2, observing: 3 } as const;

export type ServerStateNumber = (typeof ServerState)[keyof typeof ServerState];

/** The format that is sent: with the configuration. */
export const NOTIFICATION_VERSION = 2;

/** A leader, zxid or epoch that stands for "none": the smallest 64-bit integer, which a double holds exactly. */
export const MIN_LONG: number = -(2 ** 63);

/**
 * A vote and the state of the server that says it. Longs are numbers: exact within ±2^53, and `MIN_LONG` is exact; order
 * holds everywhere.
 */
export interface Notification {
  readonly state: ServerStateNumber;
  /** Server id voted for. */
  readonly leader: number;
  /** Last zxid of the one voted for. */
  readonly zxid: number;
  /** The round of the election. */
  readonly electionEpoch: number;
  /** Epoch of the vote. */
  readonly peerEpoch: number;
  /** Format version: 0 for the layouts of 28 and 40 bytes. */
  readonly version: number;
  /** The sender's committed configuration, unparsed; null when the layout has none. */
  readonly config: string | null;
}

const TWO_32 = 4294967296;
/** The oldest layout ends before the peerEpoch. */
const WITHOUT_EPOCH_BYTES = 28;
/** Up to and with the version. The layout of exactly this length predates it: its version is not looked at. */
const WITH_VERSION_BYTES = 40;
const CONFIG_AT = 44;
const NOTHING: Uint8Array = new Uint8Array(0);
/** The configuration that was written last, and the one that was read last: servers say the same one again and again. */
let [writtenText, writtenBytes] = ['', NOTHING];
let [readText, readBytes] = ['', NOTHING];
/** A longer one is not kept. */
const LONGEST_KEPT = 16_384;

/**
 * The payload of a notification's frame, in the complete form of version 2; a null configuration is sent as an empty text.
 * The frame's length is not part of it.
 */
export function encodeNotification(n: Notification): Uint8Array {
  const config = encodedConfig(n.config ?? '');
  const bytes = new Uint8Array(CONFIG_AT + config.length);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, n.state);
  setLong(view, 4, n.leader);
  setLong(view, 12, n.zxid);
  setLong(view, 20, n.electionEpoch);
  setLong(view, 28, n.peerEpoch);
  view.setInt32(36, n.version);
  view.setInt32(40, config.length);
  bytes.set(config, CONFIG_AT);
  return bytes;
}

/**
 * Reads the payload of a notification's frame; null means malformed, and that the message is to be ignored. Lengths are
 * judged as Apache's server does (section 3.1); bytes after the configuration are ignored. The configuration's text may
 * still make no sense.
 */
export function decodeNotification(bytes: Uint8Array): Notification | null {
  const length = bytes.length;
  if (length < WITHOUT_EPOCH_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  const state = view.getInt32(0);
  if (!isServerState(state)) return null;
  const leader = getLong(view, 4);
  const zxid = getLong(view, 12);
  const electionEpoch = getLong(view, 20);
  if (length === WITHOUT_EPOCH_BYTES) {
    return { state, leader, zxid, electionEpoch, peerEpoch: view.getInt32(12), version: 0, config: null };
  }
  if (length < WITH_VERSION_BYTES) return null;
  const peerEpoch = getLong(view, 28);
  const version = length === WITH_VERSION_BYTES ? 0 : view.getInt32(36);
  let config: string | null = null;
  if (version >= NOTIFICATION_VERSION) {
    if (length < CONFIG_AT) return null;
    const configBytes = view.getInt32(40);
    if (configBytes < 0 || configBytes > length - CONFIG_AT) return null;
    config = decodedConfig(bytes, CONFIG_AT, CONFIG_AT + configBytes);
  }
  return { state, leader, zxid, electionEpoch, peerEpoch, version, config };
}

function encodedConfig(text: string): Uint8Array {
  if (text === writtenText) return writtenBytes;
  const bytes = encodeUtf8(text);
  if (bytes.length <= LONGEST_KEPT) [writtenText, writtenBytes] = [text, bytes];
  return bytes;
}

function decodedConfig(bytes: Uint8Array, start: number, end: number): string {
  if (isReadBytes(bytes, start, end)) return readText;
  const text = decodeUtf8(bytes, start, end);
  if (end - start <= LONGEST_KEPT) [readText, readBytes] = [text, new Uint8Array(bytes.subarray(start, end))];
  return text;
}

function isReadBytes(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== readBytes.length) return false;
  for (let i = start; i < end; i++) if (bytes[i] !== readBytes[i - start]) return false;
  return true;
}

function isServerState(state: number): state is ServerStateNumber {
  return state >= ServerState.looking && state <= ServerState.observing;
}

function getLong(view: DataView, at: number): number {
  return view.getInt32(at) * TWO_32 + view.getUint32(at + 4);
}

function setLong(view: DataView, at: number, value: number): void {
  const high = Math.floor(value / TWO_32);
  view.setInt32(at, high);
  view.setUint32(at + 4, value - high * TWO_32);
}
