import { type LoggedFacts, loggedMarkIn, newestSlotIn } from '@headkeeper/server/internal';
import type { SimDisk } from '@headkeeper/testkit';
import { SimInode } from '@headkeeper/testkit';
import { byteText } from '../model/byte-text.ts';
import { DATA_DIR, LOG_DIR } from '../node/node-settings.ts';
import type { DurableState } from './durable-state.ts';
import { law, zxidText } from './violation.ts';

const MARK = ['the mark of what was logged', `${LOG_DIR}/version-2`, 'headkeeper.logged'] as const;
const EPOCHS_FOLDER = `${DATA_DIR}/version-2`;
const REBUILDING = `${DATA_DIR}/headkeeper.rebuilding`;
const SECTOR_BYTES = 512;

/** What a disk had promised when its server last ran on it. */
interface Promised {
  readonly last: number;
  readonly accepted: number;
  /** What was said to be durable of the log; null: nothing says. */
  readonly mark: LoggedFacts | null;
  /** Either file that remembers the accepted epoch, by its name. */
  readonly epochFiles: readonly (readonly [string, EpochFile])[];
}

/** A file that remembers the accepted epoch: what is in it, and what it tells; 0: nothing. */
interface EpochFile {
  readonly bytes: string;
  readonly epoch: number;
}

/**
 * What the disk of one server has promised, what of it the server has found broken, and what it has forgotten without noticing.
 * A loss is to be noticed when something intact tells of it: the mark of what was logged of txns, either file of epochs of an epoch.
 */
export class DiskPromises {
  readonly #sid: number;
  readonly #disk: SimDisk;
  readonly #durable: DurableState;
  #isStruck = false;
  /** Whether the server has started since it was struck. */
  #hasStarted = false;
  #promised: Promised | null = null;
  /**
   * Whether what could tell of txns missing in the middle of the log has been lost, too: what is written in its place does not know how
   * the epochs before have ended.
   */
  #hidesHoles = false;
  /** The most that the disk had promised when it became another one, or its damage was admitted. */
  #lost = 0;
  /** The most that the disk has held. */
  #held = 0;
  #accepted = 0;
  /** What was forgotten unnoticed: everything behind the first number, up to the second. */
  readonly #txns: (readonly [number, number])[] = [];
  readonly #epochs: (readonly [number, number])[] = [];

  constructor(sid: number, disk: SimDisk, durable: DurableState) {
    this.#sid = sid;
    this.#disk = disk;
    this.#durable = durable;
  }

  /** Whether something of what is on the disk may be broken, and the server does not yet serve with what is left. */
  get isStruck(): boolean {
    return this.#isStruck;
  }

  /** A fault is about to break something of what is on the disk. */
  strike(): void {
    this.#isStruck = true;
    this.#hasStarted = false;
  }

  /** The disk is about to be another one, or its damage to be admitted. */
  remember(): void {
    if (this.#promised !== null) return;
    const { last, acceptedEpoch } = this.#durable;
    this.#lost = Math.max(this.#lost, last);
    this.#promised = {
      last,
      accepted: acceptedEpoch,
      mark: this.#mark(),
      epochFiles: this.#epochFiles(),
    };
    this.#durable.distrust();
  }

  /**
   * An old disk has been put in: what it lacks is forgotten for good, also where its server finds it damaged and has it repaired, and
   * where the disk before had been found damaged: that its server must not vote is forgotten, too.
   */
  broughtBack(): void {
    const { last, acceptedEpoch } = this.#durable;
    const promised = this.#promised as Promised;
    const accepted = Math.max(promised.accepted, this.#accepted);
    const had = Math.max(promised.last, this.#held);
    if (acceptedEpoch < accepted) this.#epochs.push([acceptedEpoch, accepted]);
    if (last < had && !this.isRebuilding) this.#txns.push([last, had]);
  }

  /** The process is about to start. */
  starting(): void {
    if (!this.#isStruck) return;
    this.remember();
    this.#disk.admit();
  }

  /** The process has started, and has not acted on anything but its disk. */
  started(): void {
    if (!this.#isStruck) return;
    this.#hasStarted = true;
    const promised = this.#promised;
    if (promised === null) return;
    this.#promised = null;
    const marked = this.#markKept(promised.mark);
    if (marked === null && promised.last > 0) this.#hidesHoles = true;
    if (this.isRebuilding) return;
    const { last, acceptedEpoch } = this.#durable;
    for (const end of marked?.epochEnds ?? []) {
      law(this.#durable.reaches(end), 'a loss is noticed', () => {
        return `server ${this.#sid} goes on without ${zxidText(end)}, with which an epoch of its log has ended`;
      });
    }
    if (last < promised.last) {
      const proven = marked?.provenZxid ?? 0;
      law(proven <= last, 'a loss is noticed', () => {
        return `server ${this.#sid} goes on with ${zxidText(last)}, its log was durable up to ${zxidText(proven)}`;
      });
      this.#txns.push([last, promised.last]);
    }
    if (acceptedEpoch < promised.accepted) {
      const isTold = promised.epochFiles.some(([name, { bytes, epoch }]) => {
        return epoch > acceptedEpoch && this.#text(EPOCHS_FOLDER, name) === bytes;
      });
      law(!isTold, 'a loss is noticed', () => {
        return `server ${this.#sid} goes on with epoch ${acceptedEpoch}, it had promised ${promised.accepted}`;
      });
      this.#epochs.push([acceptedEpoch, promised.accepted]);
    }
  }

  /** Whether the server may lack txns in the middle of its log and has done nothing wrong: nothing that is intact tells of them. */
  get mayHaveHoles(): boolean {
    return this.#hidesHoles;
  }

  /** The server serves, or leads. */
  serves(): void {
    if (this.#disk.crashed) return;
    const { last, acceptedEpoch } = this.#durable;
    this.#held = Math.max(this.#held, last);
    this.#accepted = Math.max(this.#accepted, acceptedEpoch);
    if (!this.#isStruck || !this.#hasStarted || this.isRebuilding || this.#isBreaking()) return;
    this.#isStruck = false;
    this.#durable.trust();
  }

  /** Whether the disk may yet break a promise that the server takes for kept. */
  #isBreaking(): boolean {
    const { lyingSync, writeFault, isHiding } = this.#disk;
    return lyingSync || writeFault !== null || isHiding;
  }

  /** The disk is new, and empty. */
  forget(): void {
    this.#promised = null;
    this.#hidesHoles = false;
  }

  /** Whether the server knows that it has lost something, and must not vote. */
  get isRebuilding(): boolean {
    return this.#disk.existsSync(REBUILDING);
  }

  /**
   * Whether the disk may have had a txn that it has lost since. That it had what its server acknowledged was looked at when the server
   * said so (`quorum-watch.ts`); a leader that counts on that afterwards is not to blame.
   */
  mayHaveHad(zxid: number): boolean {
    return zxid <= this.#lost;
  }

  /** Whether the server may vote without the txn and has done nothing wrong: it never had it, or has forgotten it unnoticed. */
  mayLack(zxid: number, hash: number): boolean {
    if (this.#disk.crashed || this.isRebuilding || this.#durable.holds(zxid, hash)) return false;
    return this.#held < zxid || this.#txns.some(([from, to]) => from < zxid && zxid <= to);
  }

  /** As `mayLack`, of having accepted an epoch. */
  mayNotKnow(epoch: number): boolean {
    if (this.#disk.crashed || this.isRebuilding) return false;
    return this.#accepted < epoch || this.#epochs.some(([from, to]) => from < epoch && epoch <= to);
  }

  #epochFiles(): [string, EpochFile][] {
    const accepted = this.#text(EPOCHS_FOLDER, 'acceptedEpoch');
    const copy = this.#text(EPOCHS_FOLDER, 'headkeeper.epochs');
    const inCopy = newestSlotIn(
      'headkeeper.epochs',
      Uint8Array.from(copy, (letter) => letter.charCodeAt(0)),
    );
    return [
      ['acceptedEpoch', { bytes: accepted, epoch: Number.parseInt(accepted, 10) || 0 }],
      ['headkeeper.epochs', { bytes: copy, epoch: inCopy?.first ?? 0 }],
    ];
  }

  /** A file that is on the disk; null where its server could not read it. */
  #readable(folder: string, name: string): SimInode | null {
    const entry = this.#disk.durableFiles(folder).get(name);
    return entry instanceof SimInode && !entry.isUnreadable(0, 2 * SECTOR_BYTES) ? entry : null;
  }

  #text(folder: string, name: string): string {
    const entry = this.#readable(folder, name);
    if (entry === null) return '';
    return byteText(entry.durableBytes.subarray(0, Math.min(entry.durableLength, 2 * SECTOR_BYTES)));
  }

  /** The mark as it was, if that is what its file still says; else null. */
  #markKept(mark: LoggedFacts | null): LoggedFacts | null {
    return mark !== null && JSON.stringify(mark) === JSON.stringify(this.#mark()) ? mark : null;
  }

  /** What the newest slot of the mark that is whole says; as far as the disk keeps its promises. */
  #mark(): LoggedFacts | null {
    const entry = this.#readable(MARK[1], MARK[2]);
    return entry === null ? null : loggedMarkIn(entry.durableBytes.subarray(0, entry.durableLength));
  }
}
