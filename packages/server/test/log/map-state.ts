import { type Acl, decodeUtf8 } from '@headkeeper/protocol';
import { zxidOfBody } from '../../src/core/log/record-codec.ts';
import type { SnapshotSummary } from '../../src/core/log/snapshot-decoder.ts';
import { SnapshotEncoder } from '../../src/core/log/snapshot-encoder.ts';
import type { StateSink, TreeDigest } from '../../src/core/log/state-sink.ts';

export interface ModelNode {
  readonly path: Uint8Array;
  readonly data: Uint8Array | null;
  readonly aclId: number;
  /** 15 words in the file's order. */
  readonly stat: Int32Array;
}

/** A state that keeps everything it is given, in order. Txns are noted, not applied. */
export class MapState implements StateSink {
  readonly sessions: { high: number; low: number; timeoutMs: number }[] = [];
  readonly acls: { id: number; list: Acl[] }[] = [];
  readonly nodes: Map<string, ModelNode> = new Map();
  readonly txns: number[] = [];
  loadedZxid: number | null = null;
  digest: TreeDigest | null = null;

  loadSession(high: number, low: number, timeoutMs: number): void {
    this.sessions.push({ high, low, timeoutMs });
  }

  loadAcl(id: number, list: Acl[]): void {
    this.acls.push({ id, list });
  }

  loadNode(
    bytes: Uint8Array,
    view: DataView,
    pathStart: number,
    pathEnd: number,
    dataStart: number,
    dataLength: number,
    aclId: number,
    statAt: number,
  ): string | null {
    const path = decodeUtf8(bytes, pathStart, pathEnd);
    if (path !== '' && !this.nodes.has(path.slice(0, path.lastIndexOf('/')))) return `${path} has no parent`;
    this.nodes.set(path, {
      path: bytes.slice(pathStart, pathEnd),
      data: dataLength < 0 ? null : bytes.slice(dataStart, dataStart + dataLength),
      aclId,
      stat: Int32Array.from({ length: 15 }, (_, word) => view.getInt32(statAt + 4 * word)),
    });
    return null;
  }

  loaded(zxid: number, digest: TreeDigest | null): void {
    this.loadedZxid = zxid;
    this.digest = digest;
  }

  applyTxn(_bytes: Uint8Array, view: DataView, start: number): void {
    this.txns.push(zxidOfBody(view, start));
  }
}

/** Encodes the state again, in the order in which it arrived. */
export function encodeState(
  state: MapState,
  trailers: Pick<SnapshotSummary, 'digest' | 'lastProcessedZxid'>,
  chunkBytes: number,
): { bytes: Uint8Array; chunks: Uint8Array[] } {
  const encoder = new SnapshotEncoder(chunkBytes);
  const chunks: Uint8Array[] = [];
  const drain = (): void => {
    for (let chunk = encoder.takeChunk(); chunk !== null; chunk = encoder.takeChunk()) chunks.push(chunk);
  };
  encoder.begin(state.sessions.length);
  for (const { high, low, timeoutMs } of state.sessions) encoder.session(high, low, timeoutMs);
  encoder.beginAcls(state.acls.length);
  for (const { id, list } of state.acls) encoder.acl(id, list);
  drain();
  encoder.beginNodes();
  const none = new Uint8Array(0);
  for (const { path, data, aclId, stat } of state.nodes.values()) {
    encoder.node(path, 0, path.length, data ?? none, 0, data === null ? -1 : data.length, aclId, stat, 0);
    drain();
  }
  encoder.end(trailers.digest, trailers.lastProcessedZxid);
  drain();
  return { bytes: joined(chunks), chunks };
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
