import { decodeUtf8 } from '@headkeeper/protocol';
import type { ReadOperation } from './operation.ts';

const SPACE = 0x20;

/** Whether nothing, or a slash alone, is left of the text without the spaces and control characters at its ends. */
function namesAll(text: string): boolean {
  let start = 0;
  let end = text.length;
  while (start < end && text.charCodeAt(start) <= SPACE) start++;
  while (end > start && text.charCodeAt(end - 1) <= SPACE) end--;
  return start === end || (end - start === 1 && text[start] === '/');
}

/** getEphemerals: those of the asking session whose path begins with a plain string prefix. */
export const getEphemerals: ReadOperation = {
  kind: 'read',
  run(serving, connection, _identities, r, xid) {
    const prefix = r.string();
    const all = prefix === null || namesAll(prefix);
    const store = serving.tree.store;
    const paths: Uint8Array[] = [];
    for (const slot of connection.session?.ephemerals ?? []) {
      const path = new Uint8Array(store.pathLength(slot));
      store.writePathBackwards(slot, path, path.length);
      if (all || decodeUtf8(path).startsWith(prefix)) paths.push(path);
    }
    const at = serving.beginReply(connection, xid);
    connection.out.int(paths.length);
    for (const path of paths) connection.out.buffer(path);
    serving.endReply(connection, at);
  },
};
