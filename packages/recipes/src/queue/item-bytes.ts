/** Curator's DistributedQueue: a version, then each item with its length, then the end. */
const VERSION = 0x00010001;
const ITEM = 1;
const END = 2;
const VERSION_BYTES = 4;
const ITEM_HEAD_BYTES = 5;

/** Items as one znode of Curator's DistributedQueue holds them. */
export function encodeItems(items: readonly Uint8Array[]): Uint8Array {
  const length = items.reduce((sum, item) => sum + ITEM_HEAD_BYTES + item.length, VERSION_BYTES + 1);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, VERSION);
  let at = VERSION_BYTES;
  for (const item of items) {
    view.setUint8(at, ITEM);
    view.setInt32(at + 1, item.length);
    bytes.set(item, at + ITEM_HEAD_BYTES);
    at += ITEM_HEAD_BYTES + item.length;
  }
  view.setUint8(at, END);
  return bytes;
}

/** The items; null when the bytes are none of Curator's DistributedQueue. */
export function decodeItems(bytes: Uint8Array): Uint8Array[] | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < VERSION_BYTES + 1 || view.getInt32(0) !== VERSION) return null;
  const items: Uint8Array[] = [];
  let at = VERSION_BYTES;
  while (bytes[at] === ITEM && at + ITEM_HEAD_BYTES <= bytes.length) {
    const length = view.getInt32(at + 1);
    at += ITEM_HEAD_BYTES;
    if (length < 0 || at + length > bytes.length) return null;
    items.push(bytes.slice(at, at + length));
    at += length;
  }
  return bytes[at] === END ? items : null;
}
