import { ReceivedSnapshot } from './log/received-snapshot.ts';
import type { SnapshotWork } from './ready.ts';
import type { Serving } from './serving.ts';
import { type SnapshotOptions, SnapshotWriter } from './tree/snapshot-writer.ts';

/**
 * When a snapshot is due, and the one that is running (storage-formats reference, 11): after between half and all of
 * `snapCount` txns, or of the size limit in log bytes, drawn anew each time so that the members of an ensemble do not
 * all write at once.
 */
export class SnapshotSchedule {
  readonly #serving: Serving;
  #random: number;
  #txns = 0;
  #bytesAtStart = 0;
  #bytesNow = 0;
  #txnLimit = 0;
  #byteLimit = 0;
  #writer: SnapshotWriter | null = null;
  #number = 0;
  #roll = false;
  #began: number | null = null;
  #ended = false;
  #abandoned = false;
  /** A state being sent to learners, which the snapshots of this server wait for. */
  #feed: SnapshotWriter | null = null;
  #isDue = false;
  /** Whether a snapshot has been given up for learners since the last one that came to its end. */
  #gaveWay = false;
  /** A leader's state, which becomes the snapshot of this server while it comes in. */
  #received: ReceivedSnapshot | null = null;

  constructor(serving: Serving) {
    this.#serving = serving;
    this.#random = serving.settings.hashSeed | 1;
    this.#drawLimits();
  }

  /** `replayed` txns of the log are newer than the newest snapshot. */
  start(replayed: number): void {
    this.#txns = replayed;
  }

  get running(): boolean {
    return this.#writer !== null;
  }

  /** The zxid of the snapshot that is running; null when none is. */
  get runningZxid(): number | null {
    return this.#writer?.zxid ?? null;
  }

  /** Whether a snapshot begins as soon as the state has been sent to the learners that wait for it. */
  get isDue(): boolean {
    return this.#isDue;
  }

  /** A txn has been applied; `bytesProposed` counts all log bytes so far. */
  applied(bytesProposed: number): void {
    this.#txns++;
    this.#bytesNow = bytesProposed;
    if (this.#txns > this.#txnLimit || bytesProposed - this.#bytesAtStart > this.#byteLimit) this.begin();
  }

  begin(): void {
    this.#txns = 0;
    this.#bytesAtStart = this.#bytesNow;
    this.#drawLimits();
    this.#roll = true;
    if (this.#writer !== null || this.#received !== null) return;
    this.#isDue = this.#feed !== null;
    if (this.#isDue) return;
    const { settings, lastZxid } = this.#serving;
    this.#writer = this.#write({
      digest: settings.digestEnabled,
      lastProcessedZxid: settings.serializeLastProcessedZxid,
      forLearner: false,
    });
    this.#began = lastZxid;
    this.#serving.statistics.snapshots++;
  }

  #write(options: SnapshotOptions): SnapshotWriter {
    const { tree, sessions, lastZxid } = this.#serving;
    this.#number++;
    return new SnapshotWriter(tree, sessions, lastZxid, this.#number, options);
  }

  /**
   * Begins to write the state as it is for learners; null while it cannot begin. A snapshot that is running begins again
   * later: somebody waits for the learners, and nobody for the snapshot. But they can do that to it only once, so that
   * learners that come again and again cannot keep this server from ever writing one.
   */
  beginFeed(): SnapshotWriter | null {
    if (this.#feed !== null || this.#received !== null) return null;
    if (this.#writer !== null) {
      if (this.#ended || this.#gaveWay) return null;
      this.#gaveWay = true;
      this.#giveUp();
      this.#isDue = true;
    }
    this.#feed = this.#write({ digest: false, lastProcessedZxid: false, forLearner: true });
    return this.#feed;
  }

  /** The feed has ended, or is not wanted any more. */
  endFeed(): void {
    this.#feed?.abandon();
    this.#feed = null;
    if (this.#isDue) this.begin();
  }

  /** Begins the snapshot of a state that is about to come in. */
  receive(zxid: number): ReceivedSnapshot {
    this.#received = new ReceivedSnapshot();
    this.#began = zxid;
    this.#serving.statistics.snapshots++;
    return this.#received;
  }

  /** Whether a leader's state is coming in. */
  get receiving(): boolean {
    return this.#received !== null;
  }

  /** The state is replaced: a snapshot of the one before that is running stops. One that was received stays. */
  replaced(): void {
    this.#isDue = false;
    this.endFeed();
    this.#giveUp();
  }

  #giveUp(): void {
    this.#writer?.abandon();
    if (this.#writer !== null) this.#abandon();
    this.#writer = null;
    this.#ended = false;
  }

  /** Stops whatever snapshot is being written, without a file. */
  abandon(): void {
    this.replaced();
    if (this.#received !== null) this.#abandon();
    this.#received = null;
  }

  #abandon(): void {
    this.#abandoned = true;
    this.#began = null;
  }

  advance(znodes: number): void {
    if (this.#writer === null || this.#ended) return;
    if (!this.#writer.advance(znodes)) this.#ended = true;
  }

  takeRoll(): boolean {
    const roll = this.#roll;
    this.#roll = false;
    return roll;
  }

  /** A chunk that `takeWork` handed out is needed no more. */
  giveBack(chunk: Uint8Array): void {
    (this.#writer ?? this.#received)?.giveBack(chunk);
  }

  takeWork(): SnapshotWork {
    const work: SnapshotWork = { abandon: this.#abandoned, begin: this.#began, chunks: [], end: false };
    this.#abandoned = false;
    this.#began = null;
    const source = this.#writer ?? this.#received;
    if (source === null) return work;
    for (let chunk = source.takeChunk(); chunk !== null; chunk = source.takeChunk()) work.chunks.push(chunk);
    if (this.#ended || this.#received?.isComplete) {
      work.end = true;
      this.#gaveWay = false;
      this.#writer = null;
      this.#received = null;
      this.#ended = false;
    }
    return work;
  }

  #drawLimits(): void {
    const { snapCount, snapSizeLimitBytes } = this.#serving.settings;
    this.#txnLimit = Math.floor(snapCount / 2 + this.#draw() * (snapCount / 2));
    const half = snapSizeLimitBytes / 2;
    this.#byteLimit = snapSizeLimitBytes > 0 ? half + this.#draw() * half : Number.POSITIVE_INFINITY;
  }

  /** The next of a seeded sequence of numbers in [0, 1). */
  #draw(): number {
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    return (x >>> 0) / 4294967296;
  }
}
