import { ExcusedLoss, Violation } from '../check/violation.ts';
import { firstFinding } from '../histories/judge.ts';
import { withEnsemble } from '../scenario/ensemble.ts';
import type { End } from '../scenario/scripted-cluster.ts';
import { BLOCK_BYTES, type Cell, kindOf, type Role, reasonUnwritten, type UsedFile, usedFiles } from './cell.ts';
import { type Damage, strike } from './damage.ts';
import { QUIET_MS, SID_OF, STAGE, Stage, THIRD } from './stage.ts';

/** `unreached`: the server never came to write that block, and cannot. */
export type Outcome = 'recovered' | 'stopped safely' | 'unreached' | 'wrong';

export interface CellResult {
  readonly outcome: Outcome;
  /** What was wrong, why it was not reached, or what the server said when it stopped. */
  readonly words: string;
}

/** A configuration that cannot be served; data that cannot be used; a disk that failed (docs/reference/exit-codes.md). */
const EXITS: readonly number[] = [2, 3, 10];
const SETTLES_MS = 60_000;
/** For so long nobody has to serve: what was written last is on the broken disk alone, and on one that is not there. */
const LONE_MS = 20_000;
const ENDS_MS = 5000;
const COMMIT_MS = 30_000;
/** Writes of a full disk: enough for a log to come to any block that one of the stage has, and for snapshots. */
const MOST_WRITES = 600;
const BURST = 60;
const READS = 8;
/** A server that cannot write these says so and goes on: what they tell is in its tree, too. */
const SPARED: readonly string[] = ['zoo.cfg', 'zoo.cfg.dynamic'];

/** The files of the server in this role, as every cell begins. */
export function stagedFiles(role: Role): UsedFile[] {
  let files: UsedFile[] = [];
  withEnsemble(STAGE, (e) => {
    prepare(new Stage(e), role);
    files = usedFiles(e.node(SID_OF[role]).disk);
  });
  return files;
}

function prepare(stage: Stage, role: Role): void {
  if (role !== 'mending') return;
  stage.complete();
  stage.beginMending(SID_OF[role]);
}

/** Tries one cell, under all the laws of the simulator. `tell` receives every line worth telling. */
export function tryCell(cell: Cell, tell?: (line: string) => void): CellResult {
  let result: CellResult = { outcome: 'wrong', words: 'it has not ended' };
  try {
    withEnsemble({ ...STAGE, tell }, (e) => {
      const trial = new Trial(new Stage(e), cell);
      result = trial.run();
      const finding = firstFinding(e.recorder?.lines ?? []);
      if (finding !== null) throw finding;
    });
  } catch (error) {
    return { outcome: 'wrong', words: wordsOf(error) };
  }
  return result;
}

function wordsOf(error: unknown): string {
  if (error instanceof Violation) return error.message;
  // With one damaged disk of three nothing is ever lost.
  if (error instanceof ExcusedLoss) return `lost, and excused: ${error.message}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

class Trial {
  readonly #stage: Stage;
  readonly #cell: Cell;
  readonly #victim: number;
  /** The server that is neither the victim nor the third. */
  readonly #other: number;

  constructor(stage: Stage, cell: Cell) {
    this.#stage = stage;
    this.#cell = cell;
    this.#victim = SID_OF[cell.role];
    this.#other = SID_OF[cell.role === 'leader' ? 'follower' : 'leader'];
  }

  run(): CellResult {
    const { e } = this.#stage;
    const damage = this.#act();
    const { isUp } = e.node(this.#victim);
    const result = isUp ? this.#outcomeOfServing(damage) : this.#outcomeOfEnd();
    this.#othersServe();
    if (!isUp) {
      damage.mend();
      e.start(this.#victim);
      this.#settle();
      e.expect('the server serves when what it said is mended', e.serves(this.#victim));
    } else if (this.#cell.fault === 'ENOSPC') damage.mend();
    this.#end();
    return result;
  }

  // What happens.

  #act(): Damage {
    const { role, moment } = this.#cell;
    prepare(this.#stage, role);
    if (role !== 'mending' && moment !== 'behind') this.#stage.complete();
    switch (moment) {
      case 'alone':
        return this.#startAlone();
      case 'together':
        return this.#startTogether();
      case 'behind':
        return this.#startWithOneBehind();
      case 'running':
        return this.#cell.fault === 'EIO' ? this.#readWhileRunning() : this.#writeWhileRunning();
    }
  }

  #startAlone(): Damage {
    const { e } = this.#stage;
    e.crash(this.#victim);
    const damage = this.#strike();
    this.#callForMark();
    e.until('the others serve', () => e.serves(THIRD) && e.serves(this.#other));
    this.#stage.write(e.attached(THIRD, this.#other), BURST);
    e.start(this.#victim);
    this.#settle();
    if (this.#cell.fault === 'ENOSPC') this.#fill(damage);
    return damage;
  }

  /** The mark of a loss is written when one is found: there is one to find. */
  #callForMark(): void {
    const { fault, file } = this.#cell;
    if (fault !== 'ENOSPC' || kindOf(file.path) !== 'headkeeper.rebuilding') return;
    this.#stage.e.node(this.#victim).disk.rot('/data/version-2/acceptedEpoch', 0, BLOCK_BYTES, 'zeros', 1);
  }

  #startTogether(): Damage {
    const { e } = this.#stage;
    this.#stage.isBusy = false;
    e.run(QUIET_MS);
    for (const sid of e.sids) e.crash(sid);
    const damage = this.#strike();
    e.start();
    this.#settle();
    return damage;
  }

  #startWithOneBehind(): Damage {
    const { e } = this.#stage;
    e.crash(this.#other);
    e.crash(this.#victim);
    const damage = this.#strike();
    e.start(THIRD, this.#victim);
    e.run(LONE_MS);
    e.start(this.#other);
    this.#settle();
    return damage;
  }

  /** What is on the disk is read by a learner that was away for long, by a change of epochs, and by the next start. */
  #readWhileRunning(): Damage {
    const { e } = this.#stage;
    const { isUp } = e.node(this.#victim);
    e.reached('the victim runs', isUp);
    e.crash(THIRD);
    this.#stage.write(e.attached(this.#victim, this.#other), BURST);
    const damage = this.#strike();
    // A follower gets to lead, and has to feed the one that comes back.
    if (this.#cell.role === 'follower') e.crash(this.#other);
    e.start(THIRD);
    e.run(LONE_MS);
    if (!e.node(this.#other).isUp) e.start(this.#other);
    this.#settle();
    this.#changeEpoch();
    // One day it starts again.
    if (e.node(this.#victim).isUp) {
      e.crash(this.#victim);
      e.start(this.#victim);
      this.#settle();
    }
    return damage;
  }

  #writeWhileRunning(): Damage {
    const damage = this.#strike();
    this.#fill(damage);
    return damage;
  }

  /** Lets the server write whatever it writes, until it ends. */
  #fill(damage: Damage): void {
    const { e } = this.#stage;
    const isOver = (): boolean => !e.node(this.#victim).isUp;
    const client = e.attached(THIRD, this.#other);
    for (let written = 0; written < MOST_WRITES && !isOver(); written += BURST) {
      this.#stage.write(client, BURST, isOver);
      // A snapshot that is due is on its way.
      e.run(200);
      if (written === 0 && !isOver()) this.#changeEpoch();
      if (written === 0 && !isOver()) this.#stage.reconfigure(THIRD);
      if (damage.isReached() || reasonUnwritten(this.#cell.file.path) !== null) break;
    }
    const mayGoOn = SPARED.includes(kindOf(this.#cell.file.path));
    if (damage.isReached() && !mayGoOn) e.until('a server whose disk has refused a write ends', isOver, ENDS_MS);
    if (isOver()) e.until('the others serve', () => e.serves(THIRD) && e.serves(this.#other), COMMIT_MS);
  }

  /** The leader is cut off for as long as it takes to elect another. */
  #changeEpoch(): void {
    const { e } = this.#stage;
    const { leader } = e;
    if (leader === 0) return;
    e.isolate([leader]);
    e.run(LONE_MS);
    e.heal();
    this.#settle();
  }

  #strike(): Damage {
    const { e } = this.#stage;
    e.cluster.mayFail.add(this.#victim);
    e.watched(this.#victim).promises.strike();
    return strike(e.node(this.#victim), this.#cell);
  }

  /** Every server serves, or has ended. */
  #settle(): void {
    const { e } = this.#stage;
    e.until(
      'every server serves, or has ended',
      () => e.sids.every((sid) => !e.node(sid).isUp || e.serves(sid)),
      SETTLES_MS,
    );
  }

  // What came of it.

  #outcomeOfServing(damage: Damage): CellResult {
    if (damage.isReached()) return { outcome: 'recovered', words: '' };
    const { e } = this.#stage;
    const reason = reasonUnwritten(this.#cell.file.path);
    e.expect('a block that the server writes is reached', reason !== null);
    return { outcome: 'unreached', words: reason ?? '' };
  }

  /** It must have said why, and named the file. */
  #outcomeOfEnd(): CellResult {
    const { e } = this.#stage;
    const end = e.cluster.ends.findLast(({ sid }) => sid === this.#victim) as End;
    e.expect(`it ends by itself (${end.how}): ${end.message}`, end.how === 'fatal' && EXITS.includes(end.exitCode));
    const named = end.message.match(/\/(data|log|conf)\/[^\s'":,]*/g) ?? [];
    const isNamed = named.some((path) => kindOf(path) === kindOf(this.#cell.file.path));
    e.expect(`it names the file: ${end.message}`, isNamed);
    return { outcome: 'stopped safely', words: `exit code ${end.exitCode}: ${end.message}` };
  }

  /** Without the victim, or with it: they take writes, and show what was acknowledged. */
  #othersServe(): void {
    const { e } = this.#stage;
    const serving = e.sids.filter((sid) => e.serves(sid));
    e.expect('most servers serve', serving.length * 2 > e.sids.length);
    e.commits(COMMIT_MS);
    for (const sid of serving) this.#read(sid);
  }

  #read(sid: number): void {
    const { e, written } = this.#stage;
    const client = e.attached(sid);
    let left = READS;
    client.client.sync(() => {
      for (let i = 0; i < READS; i++) {
        const { path } = written[Math.floor(((i + 1) * written.length) / READS) - 1];
        client.client.read('getData', path, false, ({ error }) => {
          e.expect(`${path}, which was acknowledged, is at server ${sid}`, error === 0);
          left--;
        });
      }
    });
    e.until(`server ${sid} answers`, () => left === 0);
  }

  /** All are whole, and stay so when the power of all goes. */
  #end(): void {
    const { e, written } = this.#stage;
    this.#stage.isBusy = false;
    e.run(QUIET_MS);
    e.agree();
    e.has(written);
    // What the server has not looked at yet it meets at its next start.
    if (e.node(this.#victim).disk.isFaulty('/')) e.watched(this.#victim).promises.strike();
    e.settles();
    for (const sid of e.sids) this.#read(sid);
  }
}
