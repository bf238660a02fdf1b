import type { BackupTarget } from '@headkeeper/server/internal';

/** How an object of a target is spoiled. */
export type Spoiling =
  /** It is gone. */
  | 'lost'
  /** Only its first half is left. */
  | 'halved'
  /** It is there and empty. */
  | 'emptied'
  /** One bit in its middle is another one. */
  | 'bit-flipped';

/** Spoils an object through the target's own doors, so that this works with every kind of target. */
export async function spoilObject(target: BackupTarget, name: string, spoiling: Spoiling): Promise<void> {
  const signal = new AbortController().signal;
  const chunks: Uint8Array[] = [];
  for await (const chunk of target.get(name, signal)) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  await target.remove(name, signal);
  if (spoiling === 'lost') return;
  if (spoiling === 'bit-flipped') {
    const at = bytes.length >> 1;
    bytes[at] = bytes[at]! ^ 0x10;
  }
  const kept = { halved: bytes.length >> 1, emptied: 0, 'bit-flipped': bytes.length }[spoiling];
  await target.put(name, bytes.subarray(0, kept), signal);
}
