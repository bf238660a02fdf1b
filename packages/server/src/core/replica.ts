import type { Identity } from '@headkeeper/protocol';
import { limits } from '../limits.ts';
import type { Epochs, Hashing, Logins } from '../ports.ts';
import type { FailedLogin } from './auth/authentication.ts';
import { Clients } from './clients.ts';
import type { Connection } from './connection.ts';
import type { Database } from './database.ts';
import { FastElection } from './election/fast-election.ts';
import type { EnsembleSettings } from './ensemble-settings.ts';
import type { Event } from './events.ts';
import { invariant } from './invariants.ts';
import { Member } from './member.ts';
import { Pipeline } from './pipeline.ts';
import type { Ready } from './ready.ts';
import { Standalone } from './roles/standalone.ts';
import { Serving } from './serving.ts';
import type { CoreSettings, LiveCoreSettings, OverloadSettings } from './settings.ts';
import { Stage } from './stage.ts';
import type { DataTree } from './tree/tree.ts';

/** Most steps leave nothing of a kind; emptying an array that is empty costs a call into the engine. */
const NO_CONNECTIONS: Connection[] = [];
const NO_IDENTITIES: readonly Identity[] = Object.freeze([]);
const NO_FAILURES: FailedLogin[] = [];
/** Znodes whose digests are checked at each tick after a large snapshot was loaded. */
const CHECKED_PER_TICK = 4096;
const FINALIZE_WAIT_MS = 200;

/** What makes a server one of an ensemble. */
export interface EnsembleStart {
  readonly settings: EnsembleSettings;
  readonly epochs: Epochs;
  /** Whether its disk was found damaged, so that it may not vote before it is synchronised. */
  readonly rebuilding: boolean;
}

/**
 * One server's machine, over a recovered state whose ephemerals without a session go, as they do on Apache: `step` takes an event and changes memory only, `takeReady` hands out the work that has come of it.
 * Both are synchronous; there is no clock, socket, file or randomness inside.
 *
 * A server alone proposes and applies by itself; one of an ensemble is a `Member`, whose role says what it does.
 */
export class Replica {
  readonly serving: Serving;
  readonly pipeline: Pipeline;
  readonly clients: Clients;
  readonly #standalone: Standalone | null;
  /** Null on a standalone server. */
  readonly member: Member | null;
  /** The last tree whose digests were all found to be known. */
  #checkedTree: DataTree | null = null;
  #wasServing = false;
  /** Whether a snapshot is to begin once the long work is done. */
  #wantsSnapshot = false;

  /** `logins`: null where SASL with clients is not configured. */
  constructor(
    settings: CoreSettings,
    hashing: Hashing,
    database: Database,
    ensemble: EnsembleStart | null = null,
    logins: Logins | null = null,
  ) {
    this.serving = new Serving(settings, hashing, database, logins);
    this.clients = new Clients(this.serving, settings, hashing);
    this.pipeline = new Pipeline(this.serving, this.clients);
    database.removeOrphans();
    this.pipeline.adopt(database, 0);
    if (ensemble === null) {
      this.#standalone = new Standalone(this.pipeline);
      this.member = null;
      return;
    }
    this.#standalone = null;
    const { settings: members } = ensemble;
    const election = new FastElection({
      sid: members.sid,
      minNotificationIntervalMs: members.minNotificationIntervalMs,
      maxNotificationIntervalMs: members.maxNotificationIntervalMs,
      finalizeWaitMs: FINALIZE_WAIT_MS,
      reconfigEnabled: members.reconfigEnabled,
    });
    const stage = new Stage(members, settings, this.pipeline, election, ensemble.epochs, ensemble.rebuilding);
    this.member = new Member(stage);
  }

  /** Takes other values for settings that may change, between two steps. */
  changeSettings(changes: LiveCoreSettings): void {
    Object.assign(this.serving.settings, changes);
  }

  /** Takes other limits of what clients send, between two steps. */
  changeLimits({ connections, ...others }: OverloadSettings): void {
    const { overload } = this.serving.settings;
    Object.assign(overload, others);
    Object.assign(overload.connections, connections);
  }

  /** Begins to serve the recovered state, or to look for a leader; `replayed` txns are newer than the newest snapshot. */
  start(replayed: number, nowMs: number, wallMs: number): void {
    const { serving } = this;
    serving.nowMs = nowMs;
    serving.wallMs = wallMs;
    this.clients.start(wallMs);
    this.pipeline.snapshots.start(replayed);
    this.#standalone?.start();
    this.member?.start(nowMs);
  }

  /** Txns proposed and not yet applied. */
  get outstanding(): number {
    return this.pipeline.proposals.outstanding;
  }

  get generation(): number {
    return this.member?.generation ?? 1;
  }

  /** Whether another state may take the place of this server's now. */
  get mayReplaceState(): boolean {
    return this.member?.mayReplaceState ?? this.clients.areServed;
  }

  /** Whether a leader's state is coming in. */
  get isReceivingState(): boolean {
    return this.pipeline.snapshots.receiving;
  }

  /** Whether a snapshot is being written and wants `snapshotSlice` events. */
  get snapshotRunning(): boolean {
    return this.pipeline.snapshots.running;
  }

  /** Begins a snapshot of the state as it is, unless one is running. */
  beginSnapshot(): void {
    if (this.isBusy) this.#wantsSnapshot = true;
    else this.pipeline.snapshots.begin();
  }

  /** Says what time it is where something is asked of the core that is no event. */
  setTime(nowMs: number, wallMs: number): void {
    this.serving.nowMs = nowMs;
    this.serving.wallMs = wallMs;
  }

  step(event: Event): void {
    const { serving, clients, member } = this;
    serving.nowMs = event.nowMs;
    serving.wallMs = event.wallMs;
    if (event.kind === 'work') {
      this.#work();
      return;
    }
    invariant(!this.pipeline.work.isPending, 'nothing happens while there is long work');
    member?.begin(event.nowMs);
    switch (event.kind) {
      case 'clientData':
        clients.data(event.connection, event.bytes);
        break;
      case 'durable':
        if (event.generation !== this.generation && member === null) break;
        this.pipeline.durable(event.zxid);
        this.#standalone?.durable();
        member?.durable();
        break;
      case 'clientOpen':
        clients.open(event.connection, event.address, event.isOwn === true, event.identities ?? NO_IDENTITIES);
        break;
      case 'clientClose':
        clients.gone(event.connection);
        break;
      case 'clientDrained':
        clients.drained(event.connection);
        break;
      case 'turn':
        clients.turn();
        break;
      case 'tick':
        this.#tick();
        break;
      case 'snapshotSlice':
        if (event.generation === this.generation) this.pipeline.snapshots.advance(event.znodes);
        break;
      default:
        if (member !== null) member.event(event);
        else this.#alone(event);
    }
    member?.end();
  }

  /** Whether there is work that is too much for one step: it wants `work` events, and no others. */
  get isBusy(): boolean {
    return this.pipeline.work.isPending;
  }

  #work(): void {
    const { work, snapshots } = this.pipeline;
    work.advance();
    if (work.isPending) return;
    this.member?.begin(this.serving.nowMs);
    if (this.#wantsSnapshot) snapshots.begin();
    this.#wantsSnapshot = false;
    this.#standalone?.durable();
    this.member?.worked();
    this.member?.end();
  }

  #alone(event: Event): void {
    const standalone = this.#standalone as Standalone;
    if (event.kind === 'replaceState') standalone.rest();
    else if (event.kind === 'expireSession') standalone.expire(event.idHigh, event.idLow);
    else if (event.kind === 'storageDone') standalone.resume(event.database as Database);
    else invariant(event.kind === 'snapshotWritten', 'a standalone server has no peers');
  }

  #tick(): void {
    this.clients.tick();
    this.#standalone?.tick();
    this.#checkLoaded();
  }

  takeReady(): Ready {
    const { pipeline, member } = this;
    const isServing = this.clients.areServed;
    const resume = isServing && !this.#wasServing;
    this.#wasServing = isServing;
    const output = this.#takeOutput(isServing);
    return {
      generation: this.generation,
      roll: pipeline.snapshots.takeRoll(),
      append: pipeline.proposals.takeAppends(),
      output,
      more: isServing && this.serving.dirty.length > 0,
      close: this.#takeClosing(),
      snapshot: pipeline.snapshots.takeWork(),
      ensemble: member === null ? null : member.takeWork(),
      resume,
      failedLogins: this.#takeFailedLogins(),
    };
  }

  #takeClosing(): Ready['close'] {
    const { closing } = this.serving;
    return closing.length === 0 ? NO_CONNECTIONS : closing.splice(0);
  }

  #takeFailedLogins(): Ready['failedLogins'] {
    const { authentication } = this.serving;
    const { failedLogins } = authentication;
    if (failedLogins.length === 0) return NO_FAILURES;
    authentication.failedLogins = [];
    return failedLogins;
  }

  /** While this server does not serve, what its clients would be told stays here: it may still turn out to be void. */
  #takeOutput(isServing: boolean): Ready['output'] {
    const { dirty } = this.serving;
    if (dirty.length === 0) return NO_CONNECTIONS;
    if (isServing && dirty.length > limits.outputsPerStep) return this.#takeSomeOutput();
    if (isServing) {
      const output = dirty.slice();
      let bytes = 0;
      for (const connection of output) {
        connection.dirty = false;
        bytes += connection.out.length;
      }
      this.serving.statistics.work.sentBytes += bytes;
      dirty.length = 0;
      return output;
    }
    const output = dirty.filter((connection) => connection.state !== 'open');
    const kept = dirty.filter((connection) => connection.state === 'open');
    for (const connection of output) connection.dirty = false;
    dirty.length = 0;
    dirty.push(...kept);
    return output;
  }

  /** An event for very many connections leaves a part at a time; those that end have theirs first. */
  #takeSomeOutput(): Ready['output'] {
    const { dirty, closing } = this.serving;
    const ending = new Set(closing.filter((connection) => connection.dirty));
    const rest = ending.size === 0 ? dirty.splice(0) : dirty.splice(0).filter((connection) => !ending.has(connection));
    const output = [...ending, ...rest.slice(0, limits.outputsPerStep)];
    for (const connection of output) connection.dirty = false;
    for (let i = limits.outputsPerStep; i < rest.length; i++) dirty.push(rest[i]);
    return output;
  }

  /** Whether the driver should stop reading from the connection for now. */
  wantsPause(id: number): boolean {
    return this.clients.wantsPause(id);
  }

  /** Whether the connection's input waits for a `clientDrained` event. */
  isOutputFull(id: number): boolean {
    return this.serving.connections[id]?.outputFull ?? false;
  }

  /** Whether the tree's digest is still to be found, and clients are served meanwhile. */
  get findsDigest(): boolean {
    return !this.serving.tree.isDigestKnown && this.clients.areServed && !this.isBusy;
  }

  /** Computes so many of the digests from which the tree's is found. */
  findDigest(znodes: number): void {
    this.serving.tree.checkLoaded(znodes);
  }

  /** Goes on with the digests that loading has put off; a snapshot that turns out wrong is counted once. */
  #checkLoaded(): void {
    const { tree, statistics } = this.serving;
    if (this.#checkedTree === tree) return;
    tree.checkLoaded(CHECKED_PER_TICK);
    if (tree.isChecked) this.#checkedTree = tree;
    if (tree.loadedWrongly) statistics.digestMismatches++;
  }
}
