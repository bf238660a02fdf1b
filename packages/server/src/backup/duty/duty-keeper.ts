import { type Acl, CreateMode, ErrorCode, Permission } from '@headkeeper/protocol';
import type { Clock, Timers } from '../../ports.ts';
import type { Duty } from '../ship/messages.ts';
import { type Candidate, candidateName, DUTY_PATH, firstCandidate, type Rank } from './candidates.ts';
import { type ClientDoor, DoorClient, type SessionTicket } from './door-client.ts';

export interface DutyKeeperOptions {
  readonly door: ClientDoor;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly sid: number;
  /** What this server is good for now; null: it may not ship, or has no leader. */
  readonly rank: () => Rank | null;
  /** Whether it can serve a client of its own. */
  readonly isServed: () => boolean;
  /** Members of the ensemble: only their names count. */
  readonly isMember: (sid: number) => boolean;
  /** The servers that a leader is connected with, itself included; null on all others. */
  readonly connected: () => ReadonlySet<number> | null;
  readonly changed: (duty: Duty, shipper: string | null) => void;
}

/** How often the own role is looked at, and how long the wait is after a connection that came to nothing. */
const LOOK_MS = 50;
/** So long the session of a server that is connecting may go without its answer, at least. */
const LEAST_PATIENCE_MS = 2500;
/** A new leader waits so long for a server that it has not been connected with yet: most come over from the leader before. */
const COMES_OVER_MS = 250;
/** So long a server that is relieved goes on, until the other one has found where to begin. */
const OVERLAP_MS = 3000;
const NO_BYTES = new Uint8Array(0);
/** Only servers, which their own lists do not bind, settle who ships. */
const ANYBODY_READS: readonly Acl[] = [{ perms: Permission.read, scheme: 'world', id: 'anyone' }];

/**
 * Settles which server of an ensemble ships: each that may has an ephemeral znode `/zookeeper/backup/<rank>-<sid>`, and the
 * smallest name has the duty. While nothing is known of the others a server keeps to what it did, for as long as its session
 * can live; that two ship for a moment does no harm, since both ship the same. The leader removes the znode of a server as
 * soon as it is not connected with it any more, and not when its session ends (an Apache leader leaves it to that); one that
 * has only lost its connection makes its znode again.
 */
export class DutyKeeper {
  readonly #options: DutyKeeperOptions;
  #client: DoorClient | null = null;
  #ticket: SessionTicket | null = null;
  #timeoutMs = 0;
  #lastHeardMs = 0;
  #lastPingMs = 0;
  /** The znode that is this server's, as far as it knows. */
  #name: string | null = null;
  #duty: Duty = 'waiting';
  /** Whether the candidates have to be looked at. */
  #stale = true;
  #isBusy = false;
  #isStopped = false;
  #cancel: () => void = () => {};
  /** Calls off the end of the overlap; null when there is none. */
  #cancelRelief: (() => void) | null = null;
  /** The one that has the duty, as far as this server knows. */
  #first: Candidate | null = null;
  /** Of a leader: the servers that it has been connected with since it leads. */
  readonly #met: Set<number> = new Set();
  /** Of a leader: since when it has missed the server that has the duty. */
  #goneSinceMs: number | null = null;

  constructor(options: DutyKeeperOptions) {
    this.#options = options;
    this.#lastHeardMs = options.clock.monotonicMs();
    this.#look();
  }

  /** Gives the duty up at once: the session is closed, and its znode with it. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel();
    this.#cancelRelief?.();
    // Nobody waits for the answer: the server stops.
    void this.#client?.request('closeSession', null);
    this.#client?.disconnect();
  }

  #look(): void {
    if (this.#isStopped) return;
    this.#cancel = this.#options.timers.set(LOOK_MS, () => this.#look());
    const now = this.#options.clock.monotonicMs();
    if (this.#duty !== 'waiting' && now - this.#lastHeardMs > this.#timeoutMs) this.#settle('waiting', null);
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#step(now)
      .catch(() => this.#client?.disconnect())
      .finally(() => {
        this.#isBusy = false;
      });
  }

  async #step(now: number): Promise<void> {
    this.#meet();
    if (this.#client === null) {
      if (!this.#options.isServed() || !(await this.#connect())) return;
    }
    if (now - this.#lastPingMs > this.#timeoutMs / 3) {
      this.#lastPingMs = now;
      await this.#ask('ping', null);
    }
    const rank = this.#options.rank();
    const name = rank === null ? null : candidateName(rank, this.#options.sid);
    if (name !== this.#name) await this.#rename(name);
    if (this.#stale || this.#isGone(this.#first)) await this.#readCandidates();
  }

  /** Opens the session again that it had, if that lives, else a new one. */
  async #connect(): Promise<boolean> {
    const client = new DoorClient(this.#options.door, {
      watchFired: () => {
        this.#stale = true;
        // The server is in the middle of its work, and it may be this server's turn.
        this.#cancel();
        this.#cancel = this.#options.timers.set(0, () => this.#look());
      },
      closed: () => {
        if (this.#client === client) this.#client = null;
      },
    });
    this.#client = client;
    const cancel = this.#options.timers.set(Math.max(this.#timeoutMs, LEAST_PATIENCE_MS), () => client.disconnect());
    const session = await client.connect(this.#ticket);
    cancel();
    if (session === null) {
      // Refused or lost: what was resumed in vain is not tried again once its time is over.
      client.disconnect();
      if (this.#duty === 'waiting') this.#ticket = null;
      return false;
    }
    if (this.#ticket?.id !== session.ticket.id) this.#name = null;
    this.#ticket = session.ticket;
    this.#timeoutMs = session.timeoutMs;
    this.#heard();
    this.#stale = true;
    return true;
  }

  /** Makes the znode of the new name before the old one goes, so that there is no moment without. */
  async #rename(name: string | null): Promise<void> {
    if (name !== null) {
      const path = `${DUTY_PATH}/${name}`;
      let error = await this.#create(path, CreateMode.ephemeral);
      if (error === ErrorCode.noNode) {
        await this.#create(DUTY_PATH, CreateMode.persistent);
        error = await this.#create(path, CreateMode.ephemeral);
      }
      if (error === ErrorCode.nodeExists) {
        // Of this server's session before, which is over or about to be.
        await this.#ask('delete', { path, version: -1 });
        error = await this.#create(path, CreateMode.ephemeral);
      }
      if (error !== ErrorCode.ok) throw new Error(`${path} cannot be made: error ${error}`);
    }
    const old = this.#name;
    this.#name = name;
    this.#stale = true;
    if (old !== null) await this.#ask('delete', { path: `${DUTY_PATH}/${old}`, version: -1 });
  }

  async #readCandidates(): Promise<void> {
    this.#stale = false;
    const answer = await this.#ask('getChildren', { path: DUTY_PATH, watch: true });
    if (answer.error === ErrorCode.noNode) {
      // Nobody has been a candidate yet; the next look sees whether that has changed.
      this.#stale = true;
      this.#settle('standby', null);
      return;
    }
    if (answer.error !== ErrorCode.ok) throw new Error(`${DUTY_PATH} cannot be read: error ${answer.error}`);
    const first = firstCandidate(answer.body?.children ?? [], this.#options.isMember);
    if (this.#name !== null && first?.name !== this.#name) await this.#checkOwn(answer.body?.children ?? []);
    this.#first = first;
    if (first !== null && (await this.#removeGone(first))) return;
    const isOwn = first !== null && first.name === this.#name;
    this.#settle(isOwn ? 'shipping' : 'standby', first === null ? null : `server ${first.sid}`);
  }

  #meet(): void {
    const connected = this.#options.connected();
    if (connected === null) this.#met.clear();
    else for (const sid of connected) this.#met.add(sid);
  }

  /** Whether this server leads, and is not connected with the candidate. */
  #isGone(candidate: Candidate | null): boolean {
    const connected = this.#options.connected();
    return connected !== null && candidate !== null && !connected.has(candidate.sid);
  }

  /** Of a leader: takes the duty from a server that is gone. */
  async #removeGone(first: Candidate): Promise<boolean> {
    if (!this.#isGone(first)) {
      this.#goneSinceMs = null;
      return false;
    }
    const now = this.#options.clock.monotonicMs();
    this.#goneSinceMs ??= now;
    if (!this.#met.has(first.sid) && now - this.#goneSinceMs < COMES_OVER_MS) return false;
    this.#goneSinceMs = null;
    this.#stale = true;
    await this.#ask('delete', { path: `${DUTY_PATH}/${first.name}`, version: -1 });
    return true;
  }

  /** Somebody may have removed the own znode. */
  async #checkOwn(children: readonly (string | null)[]): Promise<void> {
    if (this.#name !== null && !children.includes(this.#name)) this.#name = null;
  }

  async #create(path: string, flags: number): Promise<number> {
    return (await this.#ask('create', { path, data: NO_BYTES, acl: ANYBODY_READS, flags })).error;
  }

  async #ask<Name extends Parameters<DoorClient['request']>[0]>(
    op: Name,
    body: Parameters<typeof DoorClient.prototype.request<Name>>[1],
  ): Promise<NonNullable<Awaited<ReturnType<typeof DoorClient.prototype.request<Name>>>>> {
    const client = this.#client;
    if (client === null) throw new Error('the connection is lost');
    const cancel = this.#options.timers.set(this.#timeoutMs, () => client.disconnect());
    const answer = await client.request<Name>(op, body);
    cancel();
    if (answer === null) throw new Error('the connection is lost');
    this.#heard();
    if (this.#ticket !== null) this.#ticket = { ...this.#ticket, lastZxid: client.lastZxid };
    return answer as NonNullable<Awaited<ReturnType<typeof DoorClient.prototype.request<Name>>>>;
  }

  #heard(): void {
    this.#lastHeardMs = this.#options.clock.monotonicMs();
  }

  #settle(duty: Duty, shipper: string | null): void {
    const isRelieved = this.#duty === 'shipping' && duty === 'standby' && shipper !== null;
    this.#duty = duty;
    if (this.#cancelRelief !== null && duty === 'standby') return;
    this.#cancelRelief?.();
    this.#cancelRelief = null;
    if (!isRelieved) {
      this.#options.changed(duty, shipper);
      return;
    }
    this.#cancelRelief = this.#options.timers.set(OVERLAP_MS, () => {
      this.#cancelRelief = null;
      this.#options.changed(this.#duty, shipper);
    });
  }
}
