import type { Reader } from './bytes/reader.ts';
import type { Writer } from './bytes/writer.ts';
import type { FileHeader } from './records/file-header.ts';
import { type SnapshotNode, snapshotNode } from './records/snapshot-node.ts';

/** "ZKLG" */
export const LOG_MAGIC = 0x5a4b4c47;
/** "ZKSN" */
export const SNAPSHOT_MAGIC = 0x5a4b534e;

/** What a log file starts with (storage-formats reference, section 3). Readers check the magic only. */
export const LOG_FILE_HEADER: FileHeader = Object.freeze({ magic: LOG_MAGIC, version: 2, dbid: 0 });
/** What a snapshot starts with (section 8). */
export const SNAPSHOT_FILE_HEADER: FileHeader = Object.freeze({ magic: SNAPSHOT_MAGIC, version: 2, dbid: -1 });

/** The ACL id that means world:anyone, all, and is in no ACL table. */
export const OPEN_ACL_ID = -1;

/** The path that ends the list of nodes, and stands in every seal. The root's own path is empty. */
export const END_OF_NODES = '/';

const SLASH = 0x2f;

/** Appends the mark that ends the list of nodes. */
export function encodeEndOfNodes(out: Writer): void {
  out.string(END_OF_NODES);
}

/** Reads the next node of a snapshot, or the mark that ends the list: null. */
export function decodeNodeOrEnd(input: Reader): SnapshotNode | null {
  const start = input.pos;
  const length = input.length();
  if (length === 1 && input.bytes[input.pos] === SLASH) {
    input.skip(1);
    return null;
  }
  input.pos = start;
  return snapshotNode.decode(input);
}
