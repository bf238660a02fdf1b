import type { ReceivedSnapshot } from '../log/received-snapshot.ts';
import type { Stage } from '../stage.ts';
import { StateReceiver } from '../zab/state-receiver.ts';

/**
 * - `marking`: the mark is being written that a new state is coming.
 * - `receiving`: the state comes in, and goes to the disk as it comes.
 * - `writing`: all of it is here, not all of it on the disk. `clearing`: what is older is being removed there.
 */
type Step = 'marking' | 'receiving' | 'writing' | 'clearing';

/**
 * Puts the state that a leader sends in the place of this server's own: first the mark, then the state, then everything
 * older goes (known failure S10; quorum-protocol reference, rule D14). Its file is on the disk a moment after its last byte
 * has come.
 */
export class StateInstall {
  readonly zxid: number;
  readonly #stage: Stage;
  readonly #receiver: StateReceiver;
  /** Whether nothing is sent: the leader's txns begin with the very first. */
  readonly #isEmpty: boolean;
  #file: ReceivedSnapshot | null = null;
  #step: Step = 'marking';

  constructor(stage: Stage, zxid: number, isEmpty: boolean) {
    this.zxid = zxid;
    this.#stage = stage;
    this.#isEmpty = isEmpty;
    this.#receiver = new StateReceiver(stage.core, zxid);
    stage.pipeline.snapshots.abandon();
    stage.order('beginInstall', zxid, false);
  }

  /** Goes on when the disk has done what was ordered; says what is to be awaited next. */
  storageDone(): 'state' | 'disk' | 'nothing' {
    const { snapshots } = this.#stage.pipeline;
    if (this.#step !== 'marking') return 'nothing';
    if (this.#isEmpty) {
      this.#adopt();
      snapshots.begin();
      return 'disk';
    }
    this.#step = 'receiving';
    this.#file = snapshots.receive(this.zxid);
    return 'state';
  }

  /** Takes bytes of the state; returns how many of them belong to it. Afterwards `damage` and `isWhole` say how it stands. */
  push(bytes: Uint8Array): number {
    const file = this.#file as ReceivedSnapshot;
    const count = this.#receiver.push(bytes, file);
    if (this.damage === null && this.#receiver.isComplete) {
      file.complete(this.#stage.core.serializeLastProcessedZxid ? this.zxid : null);
      this.#adopt();
    }
    return count;
  }

  /** What is wrong with the state; nothing more may be pushed then. */
  get damage(): string | null {
    return this.#receiver.damage;
  }

  get isWhole(): boolean {
    return this.#step === 'writing';
  }

  /** A snapshot is on the disk; one of before may have the same name. */
  snapshotWritten(zxid: number): void {
    if (this.#step !== 'writing' || zxid !== this.zxid) return;
    this.#step = 'clearing';
    this.#stage.order('finishInstall', zxid, false);
  }

  #adopt(): void {
    this.#step = 'writing';
    this.#stage.adopt(this.#receiver.finish());
  }
}
