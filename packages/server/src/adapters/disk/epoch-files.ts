import { epochOf } from '@headkeeper/protocol';
import { invariant } from '../../core/invariants.ts';
import { limits } from '../../limits.ts';
import type { Disk, EpochStore, Epochs } from '../../ports.ts';
import { DRAFT_SUFFIX, removeDurably, writeDurably } from './durable-file.ts';
import { readSlots, writeSlots } from './number-slots.ts';
import { readWhole } from './recovery-files.ts';
import { isUnreadable } from './unreadable.ts';

export const ACCEPTED_NAME = 'acceptedEpoch';
export const CURRENT_NAME = 'currentEpoch';
/**
 * Our own copy of both, with a checksum, written behind them: Apache's files are decimal text, in which one flipped bit makes
 * another number. It is never ahead of them, but behind when Apache has used the directory since.
 */
export const EPOCHS_COPY_NAME = 'headkeeper.epochs';

/** What the two files hold; null for one that is missing, and '' for one that cannot be read. */
export interface EpochTexts {
  readonly accepted: string | null;
  readonly current: string | null;
  /** What the copy says; null without one. */
  readonly copy?: Epochs | null;
}

/** What a start makes of the files. */
export interface EpochDecision {
  readonly epochs: Epochs;
  /** What is wrong with the files, or null. The epochs are then a guess: a promise may have been forgotten. */
  readonly damage: string | null;
}

/** The epoch files cannot be read or contradict each other. */
export class EpochsDamaged extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'EpochsDamaged';
  }
}

/**
 * The epochs that a server starts with, whose log and snapshots end at `lastZxid` and are durable.
 *
 * - A missing file takes the epoch of the last zxid, or `currentEpoch` if that is more.
 * - A history that is ahead of `currentEpoch` raises it: the txns of a synchronisation are logged before the epoch is
 *   written, and a crash can come between. A txn of an epoch proves that the epoch began and that all before it is there.
 *   Apache refuses to start then, unless a draft of the file happens to be left (known-failures reference, S20).
 * - Drafts count for nothing: what they promise has not been said to anybody.
 * - A file that is no number, an `acceptedEpoch` below the others, or either below what the copy remembers, is damage: no crash
 *   leaves it. Then the greatest number found is taken for promised (but for a `currentEpoch` above an `acceptedEpoch` that the
 *   copy confirms), and only the epoch of the last zxid for reached.
 *
 * Source of the rules: storage-formats reference, sections 10 and 12; quorum-protocol reference, section 14.
 */
export function decideEpochs(files: EpochTexts, lastZxid: number): EpochDecision {
  const reached = Math.max(0, epochOf(lastZxid));
  const accepted = epochOfText(files.accepted);
  const current = epochOfText(files.current);
  const damage = describeDamage(files, accepted, current, reached);
  if (damage !== null) {
    const remembered = files.copy?.accepted ?? 0;
    // An acceptedEpoch that the copy confirms is whole; then it is currentEpoch that has become another number.
    const claimed = accepted !== null && accepted === remembered ? 0 : (current ?? 0);
    return { epochs: { accepted: Math.max(accepted ?? 0, claimed, reached, remembered), current: reached }, damage };
  }
  const newCurrent = Math.max(current ?? 0, reached);
  return { epochs: { accepted: accepted ?? newCurrent, current: newCurrent }, damage: null };
}

function describeDamage(
  files: EpochTexts,
  accepted: number | null,
  current: number | null,
  reached: number,
): string | null {
  if (files.accepted !== null && accepted === null) return `${ACCEPTED_NAME} holds ${shown(files.accepted)}`;
  if (files.current !== null && current === null) return `${CURRENT_NAME} holds ${shown(files.current)}`;
  const { copy } = files;
  if (copy && (accepted ?? 0) < copy.accepted)
    return `${ACCEPTED_NAME} has been ${copy.accepted}, and is ${files.accepted ?? 'missing'}`;
  if (copy && (current ?? 0) < copy.current)
    return `${CURRENT_NAME} has been ${copy.current}, and is ${files.current ?? 'missing'}`;
  if (accepted === null) return null;
  if (accepted < (current ?? 0)) return `${ACCEPTED_NAME} is ${accepted}, less than ${CURRENT_NAME}, ${current}`;
  return accepted < reached ? `${ACCEPTED_NAME} is ${accepted}, but the history is of epoch ${reached}` : null;
}

/** The number on the first line, or null when there is none that can be an epoch. */
function epochOfText(text: string | null): number | null {
  const line = text?.split('\n', 1)[0] ?? '';
  if (!/^[0-9]{1,10}$/.test(line)) return null;
  const epoch = Number.parseInt(line, 10);
  return epoch <= limits.largestEpoch ? epoch : null;
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}

/** What the files in this `version-2` hold. */
export function readEpochTexts(disk: Disk, folder: string): EpochTexts {
  return {
    accepted: readText(disk, `${folder}/${ACCEPTED_NAME}`),
    current: readText(disk, `${folder}/${CURRENT_NAME}`),
    copy: readCopy(disk, folder),
  };
}

function readCopy(disk: Disk, folder: string): Epochs | null {
  const slot = readSlots(disk, `${folder}/${EPOCHS_COPY_NAME}`);
  return slot === null ? null : { accepted: slot.first, current: slot.second };
}

function readText(disk: Disk, path: string): string | null {
  if (!disk.existsSync(path)) return null;
  try {
    return new TextDecoder('latin1').decode(readWhole(disk, path));
  } catch (error) {
    if (isUnreadable(error)) return '';
    throw error;
  }
}

/** An `EpochStore` whose server can say what its start has made of the files; null: they are to be read again. */
export interface SettledEpochStore extends EpochStore {
  settled(epochs: Epochs | null): void;
}

/**
 * `acceptedEpoch` and `currentEpoch` as Apache keeps them: decimal, without a newline, each replaced atomically. At each
 * moment `acceptedEpoch` on the disk is at least `currentEpoch`, and neither goes back. `read` throws EpochsDamaged; it
 * wants both files or none, which is so once a start has written what `decideEpochs` said. From then on the server knows its
 * epochs, whatever becomes of the files: the next write mends them.
 */
export function createEpochStore(disk: Disk, folder: string): SettledEpochStore {
  let known: Epochs | null = null;
  const read = (): Epochs | null => {
    const files = readEpochTexts(disk, folder);
    if (files.accepted === null && files.current === null) return null;
    const accepted = epochOfText(files.accepted);
    const current = epochOfText(files.current);
    if (accepted === null || current === null || accepted < current) {
      throw new EpochsDamaged(
        `${folder}: ${ACCEPTED_NAME} holds ${shown(files.accepted ?? '')}, ${CURRENT_NAME} ${shown(files.current ?? '')}`,
      );
    }
    return { accepted, current };
  };
  return {
    read,
    write(epochs) {
      const before = known ?? read() ?? { accepted: -1, current: -1 };
      invariant(
        epochs.accepted >= before.accepted && epochs.current >= before.current,
        `epochs ${epochs.accepted} and ${epochs.current} after ${before.accepted} and ${before.current}`,
      );
      if (epochs.accepted !== before.accepted || epochs.current !== before.current) storeEpochs(disk, folder, epochs);
      known = epochs;
    },
    settled(epochs) {
      known = epochs;
    },
  };
}

/** Writes both files, whatever they held, and then the copy. */
export function storeEpochs(disk: Disk, folder: string, epochs: Epochs): void {
  invariant(
    epochs.current >= 0 && epochs.accepted >= epochs.current && epochs.accepted <= limits.largestEpoch,
    `epochs ${epochs.accepted} and ${epochs.current}`,
  );
  const files = readEpochTexts(disk, folder);
  for (const [name, epoch, text] of [
    [ACCEPTED_NAME, epochs.accepted, files.accepted],
    [CURRENT_NAME, epochs.current, files.current],
  ] as const) {
    if (text !== String(epoch)) writeDurably(disk, folder, name, new TextEncoder().encode(String(epoch)));
  }
  const { copy } = files;
  if (copy?.accepted !== epochs.accepted || copy.current !== epochs.current) {
    writeSlots(disk, folder, EPOCHS_COPY_NAME, epochs.accepted, epochs.current);
  }
}

/** Removes what crashes left: Apache would take a draft's number for the epoch. */
export function removeEpochDrafts(disk: Disk, folder: string): void {
  for (const name of [ACCEPTED_NAME, CURRENT_NAME]) removeDurably(disk, folder, `${name}${DRAFT_SUFFIX}`);
}
