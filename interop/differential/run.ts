import { OpCode } from '@headkeeper/protocol';
import { endsConnection, errorOf, learn, leavesWatches, ordered, repliesOf } from './answers.ts';
import { decodeEvent, decodeReply, isEvent, type Value } from './decode.ts';
import { type Answer, compareAnswers, type Difference, perReply } from './difference.ts';
import { explanationOf } from './explained.ts';
import { Body, type Handshake, handshakeBody, rawFrame, requestFrame } from './frames.ts';
import { Generator } from './generator.ts';
import { type Endpoint, Link } from './link.ts';
import { Model } from './model.ts';
import { Random } from './random.ts';
import { bare, type Draft, opName } from './requests.ts';
import { type HandshakeKind, handshakePair, readHandshake, type Session } from './session-book.ts';
import { Side } from './side.ts';
import { endSession, levelBothSides } from './sweep.ts';

export interface RunOptions {
  readonly left: Endpoint;
  readonly right: Endpoint;
  readonly steps: number;
  readonly seed: number;
  /** How many steps before a difference are kept for it. */
  readonly context: number;
  /** Whether the run ends with this difference. */
  readonly stopAt: (difference: Difference) => boolean;
  readonly onDifference: (difference: Difference) => void;
  readonly onProgress?: (steps: number) => void;
}

export interface RunResult {
  readonly steps: number;
  /** How often each request was sent. */
  readonly requests: ReadonlyMap<string, number>;
  /** How often each request got each error, by the left side: `delete notEmpty`. Multis count by their first error. */
  readonly outcomes: ReadonlyMap<string, number>;
  readonly events: number;
  readonly differences: readonly Difference[];
}

/** After this many steps the tree is emptied and everything begins anew; also after each difference. */
const SEGMENT = 3000;
const SLOTS = 3;
const PATIENCE = 5000;
const CLOSE_PATIENCE = 2000;
const MAX_DORMANT = 4;

/** A pair of connections, one to each server, that get the same bytes. */
interface Slot {
  readonly number: number;
  links: readonly [Link, Link] | null;
  session: Session | null;
  xid: number;
}

/** Thrown to leave a segment after a difference: what follows would only repeat it. */
class SegmentEnded extends Error {}

/** Sends the same seeded random requests to two servers, in lock-step, and compares everything that comes back. */
export class Run {
  readonly #options: RunOptions;
  readonly #random: Random;
  readonly #sides: readonly [Side, Side];
  readonly #model = new Model();
  readonly #generator: Generator;
  #slots: Slot[] = [];
  #dormant: Session[] = [];
  #sessions = 0;
  #step = 0;
  #context: string[] = [];
  #differences: Difference[] = [];
  #requests = new Map<string, number>();
  #outcomes = new Map<string, number>();
  #events = 0;
  #stopped = false;
  /** Set by a comparison after which the connection's watches are not the same on both servers. */
  #watchesDiffer = false;
  /** zxids of session ends: their events come in no particular order. */
  #ends = new Set<Value>();

  constructor(options: RunOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#sides = [new Side('left', options.left), new Side('right', options.right)];
    this.#generator = new Generator(this.#random, this.#model);
  }

  async run(): Promise<RunResult> {
    while (this.#step < this.#options.steps) {
      await this.#begin();
      const end = Math.min(this.#step + SEGMENT, this.#options.steps);
      try {
        while (this.#step < end) {
          this.#step++;
          await this.#oneStep();
          if (this.#step % 10000 === 0) this.#options.onProgress?.(this.#step);
        }
        await this.#finish();
      } catch (error) {
        if (!(error instanceof SegmentEnded)) throw error;
        await this.#abandon();
        if (this.#stopped) break;
      }
    }
    return {
      steps: this.#step,
      requests: this.#requests,
      outcomes: this.#outcomes,
      events: this.#events,
      differences: this.#differences,
    };
  }

  async #begin(): Promise<void> {
    this.#model.clear();
    this.#ends.clear();
    this.#watchesDiffer = false;
    this.#dormant = [];
    this.#context = [];
    this.#slots = Array.from({ length: SLOTS }, (_, number) => ({ number, links: null, session: null, xid: 0 }));
    await levelBothSides(...this.#sides);
  }

  /** Sees every open connection's last events, then ends every session. */
  async #finish(): Promise<void> {
    for (const slot of this.#slots) if (slot.links !== null) await this.#lockStep(slot, bare(OpCode.ping));
    for (const slot of this.#slots) if (slot.links !== null) await this.#lockStep(slot, bare(OpCode.closeSession));
    const slot = this.#slots[0] as Slot;
    while (this.#dormant.length > 0) {
      await this.#connect(slot, 'reattach');
      if (slot.links !== null) await this.#lockStep(slot, bare(OpCode.closeSession));
    }
  }

  /** Ends what can be ended without looking at the answers. */
  async #abandon(): Promise<void> {
    for (const slot of this.#slots) {
      if (slot.session !== null && !this.#dormant.includes(slot.session)) this.#dormant.push(slot.session);
      for (const link of slot.links ?? []) link.destroy();
    }
    for (const session of this.#dormant) {
      for (const [index, side] of this.#sides.entries()) await endSession(side, session, index);
    }
  }

  async #oneStep(): Promise<void> {
    const random = this.#random;
    const slot = random.pick(this.#slots);
    if (slot.links === null) return this.#connectSomehow(slot);
    await random.weighted<() => Promise<void>>([
      [96.5, () => this.#request(slot)],
      [2, () => this.#burst(slot)],
      [0.5, () => this.#drop(slot)],
      [0.6, () => this.#lockStep(slot, bare(OpCode.closeSession, random.chance(10) ? new Body().int(1) : new Body()))],
      [0.3, () => this.#badFrame(slot)],
    ])();
  }

  async #connectSomehow(slot: Slot): Promise<void> {
    const random = this.#random;
    const others = this.#slots.some((other) => other !== slot && other.links !== null);
    const asleep = this.#dormant.length > 0;
    if (random.chance(3)) return this.#badHandshake();
    const kind = random.weighted<HandshakeKind>([
      [this.#dormant.length < MAX_DORMANT ? 50 : 5, 'new'],
      [asleep ? 40 : 0, 'reattach'],
      [asleep ? 8 : 0, 'wrong password'],
      [others ? 8 : 0, 'takeover'],
      [4, 'unknown session'],
      [2, 'future zxid'],
    ]);
    await this.#connect(slot, kind);
  }

  async #connect(slot: Slot, kind: HandshakeKind): Promise<void> {
    const random = this.#random;
    let session: Session | null = null;
    let victim: Slot | null = null;
    if (kind === 'reattach' || kind === 'wrong password') session = random.pick(this.#dormant);
    if (kind === 'takeover') {
      victim = random.pick(this.#slots.filter((other) => other !== slot && other.links !== null));
      await this.#lockStep(victim, bare(OpCode.ping));
      session = victim.session;
    }
    const note = `connection ${slot.number}: handshake, ${kind}${session === null ? '' : ` of session ${session.ordinal}`}`;
    this.#note(note, 'handshake');
    const links = await this.#open();
    const asked = handshakePair(kind, session, this.#sides, random);
    for (const [i, link] of links.entries()) link.send(rawFrame(handshakeBody(asked[i] as Handshake)));
    const outcomes = await this.#waitBoth(links, 1);
    const granted: { id: bigint; password: string }[] = [];
    const answers = links.map((link, i): Answer => {
      const frames = link.take().map((frame): Value => {
        const answer = readHandshake(frame, session, i);
        if (answer.granted !== null) granted.push(answer.granted);
        return answer.value;
      });
      return { frames, outcome: outcomes[i] as string };
    });
    this.#compare(`handshake ${kind}`, note, answers);
    if (granted.length === 2) {
      slot.links = links;
      slot.xid = 0;
      slot.session = session ?? this.#newSession(granted, note);
      this.#dormant = this.#dormant.filter((other) => other !== slot.session);
    } else {
      await this.#expectClosed(`handshake ${kind}`, note, links);
    }
    if (victim?.links != null) {
      await this.#expectClosed('takeover of the connection', note, victim.links);
      victim.links = null;
      victim.session = null;
    }
  }

  #newSession(granted: readonly { id: bigint; password: string }[], note: string): Session {
    const [left, right] = granted as [(typeof granted)[number], (typeof granted)[number]];
    const ordinal = ++this.#sessions;
    const fresh = [this.#sides[0].addSession(left.id, ordinal), this.#sides[1].addSession(right.id, ordinal)];
    if (!fresh[0] || !fresh[1]) {
      const answers = fresh.map(
        (isNew): Answer => ({ frames: [isNew ? 'a new id' : 'an id given before'], outcome: 'reply' }),
      );
      this.#compare('handshake new', note, answers);
    }
    return { ordinal, ids: [left.id, right.id], passwords: [left.password, right.password] };
  }

  async #badHandshake(): Promise<void> {
    const random = this.#random;
    const body = new Uint8Array(random.below(28));
    const [frame, how] = random.pick([
      [rawFrame(body), `cut to ${body.length} bytes`],
      [rawFrame(body, -1), 'length -1'],
      [rawFrame(body, 1048576), 'length 1048576'],
      [rawFrame(new Body().int(0).long(0n).int(0).long(0n).int(-2).bool(false).done()), 'password length -2'],
    ] as const);
    const note = `handshake, ${how}`;
    this.#note(note, 'handshake');
    const links = await this.#open();
    for (const link of links) link.send(frame);
    await this.#expectClosed('bad handshake', note, links);
  }

  async #request(slot: Slot): Promise<void> {
    const draft = this.#generator.request();
    // These may end in a close without a reply; events on their way must have arrived before.
    if (draft.op === OpCode.auth || draft.op === OpCode.sasl) await this.#lockStep(slot, bare(OpCode.ping));
    await this.#lockStep(slot, draft);
  }

  async #burst(slot: Slot): Promise<void> {
    const drafts = Array.from({ length: 1 + this.#random.below(20) }, () => this.#generator.pipelined());
    await this.#exchange(slot, drafts, 'burst');
  }

  async #lockStep(slot: Slot, draft: Draft): Promise<void> {
    await this.#exchange(slot, [draft], opName(draft.op));
  }

  #nextXid(slot: Slot): number {
    if (this.#random.chance(1)) return this.#random.pick([0, -2, -4, -8, -2147483648, 2147483647]);
    return ++slot.xid;
  }

  async #exchange(slot: Slot, drafts: readonly Draft[], label: string): Promise<void> {
    const links = slot.links as readonly [Link, Link];
    const note = `connection ${slot.number}: ${drafts.map((draft) => draft.note).join(' | ')}`;
    this.#note(note, ...drafts.map((draft) => opName(draft.op)));
    const frames = drafts.map((draft) => requestFrame(this.#nextXid(slot), draft.op, draft.body));
    const bytes = frames.length === 1 ? (frames[0] as Uint8Array) : Buffer.concat(frames);
    for (const link of links) link.send(bytes);
    const outcomes = await this.#waitBoth(links, drafts.length);
    const answers = links.map((link, i) => this.#decode(link.take(), drafts, i, outcomes[i] as string));
    const replies = repliesOf(answers[0] as Answer);
    const ends = drafts.some((draft, i) => endsConnection(draft.op, replies[i]));
    if (drafts.some((draft) => draft.op === OpCode.closeSession)) {
      for (const reply of replies) this.#ends.add(reply.zxid);
    }
    this.#compareEach(drafts, note, answers);
    for (const [i, draft] of drafts.entries()) {
      learn(this.#model, draft, replies[i], slot.session?.ordinal ?? 0);
      const outcome = `${opName(draft.op)} ${errorOf(replies[i])}`;
      this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
    }
    const closedWithoutReply = outcomes[0] === 'closed';
    if (ends) await this.#expectClosed(label, note, links);
    if (this.#watchesDiffer || leavesWatches(drafts, replies)) {
      // What one side alone watches would only be told later on. In a burst it may already have been.
      this.#watchesDiffer = false;
      if (drafts.length > 1) throw new SegmentEnded();
      if (!ends && !closedWithoutReply) this.#forsake(slot);
    }
    if (ends || closedWithoutReply)
      this.#leave(
        slot,
        drafts.some((draft) => draft.op === OpCode.closeSession),
      );
  }

  /** Compares what came before and with each reply, so that a difference inside a burst names its request. */
  #compareEach(drafts: readonly Draft[], note: string, answers: readonly Answer[]): void {
    const [left, right] = answers.map((answer) => perReply(ordered(answer, this.#ends))) as [Answer[], Answer[]];
    const none: Answer = { frames: [], outcome: 'nothing' };
    for (let i = 0; i < Math.max(left.length, right.length); i++) {
      const draft = drafts[i];
      const label = draft === undefined ? 'beyond the last reply' : opName(draft.op);
      this.#compare(label, drafts.length === 1 ? note : `${draft?.note} in ${note}`, [
        left[i] ?? none,
        right[i] ?? none,
      ]);
    }
  }

  #decode(frames: readonly Buffer[], drafts: readonly Draft[], index: number, outcome: string): Answer {
    const side = this.#sides[index] as Side;
    let next = 0;
    const values = frames.map((frame): Value => {
      if (isEvent(frame)) {
        if (index === 0) this.#events++;
        return decodeEvent(frame, side) as Value;
      }
      const draft = drafts[next++];
      return decodeReply(frame, draft?.op ?? 0, side) as Value;
    });
    return { frames: values, outcome };
  }

  async #drop(slot: Slot): Promise<void> {
    await this.#lockStep(slot, bare(OpCode.ping));
    this.#forsake(slot);
  }

  #forsake(slot: Slot): void {
    this.#note(`connection ${slot.number}: dropped`, 'drop');
    this.#leave(slot, false);
  }

  async #badFrame(slot: Slot): Promise<void> {
    await this.#lockStep(slot, bare(OpCode.ping));
    const length = this.#random.pick([0, 1, 4, 7, -1, 1048576, 2147483647, -2147483648, 0x73727672]);
    const note = `connection ${slot.number}: frame of length ${length}`;
    this.#note(note, 'bad frame');
    const links = slot.links as readonly [Link, Link];
    for (const link of links) link.send(rawFrame(new Uint8Array(Math.max(0, Math.min(length, 7))), length));
    await this.#expectClosed('bad frame', note, links);
    this.#leave(slot, false);
  }

  #leave(slot: Slot, ended: boolean): void {
    for (const link of slot.links ?? []) link.destroy();
    if (slot.session !== null && !ended) this.#dormant.push(slot.session);
    slot.links = null;
    slot.session = null;
  }

  async #open(): Promise<readonly [Link, Link]> {
    return Promise.all([Link.open(this.#options.left), Link.open(this.#options.right)]);
  }

  async #waitBoth(links: readonly [Link, Link], count: number): Promise<readonly string[]> {
    return Promise.all([links[0].wait(count, PATIENCE), links[1].wait(count, PATIENCE)]);
  }

  async #expectClosed(label: string, note: string, links: readonly [Link, Link]): Promise<void> {
    const outcomes = await Promise.all([links[0].waitClosed(CLOSE_PATIENCE), links[1].waitClosed(CLOSE_PATIENCE)]);
    const answers = links.map((link, i): Answer => {
      const frames = link.take().map((frame): Value => ({ unexpected: frame.toString('hex') }));
      return { frames, outcome: outcomes[i] === 'closed' ? 'then closed' : 'left open' };
    });
    this.#compare(`${label}, close`, note, answers);
    for (const link of links) link.destroy();
  }

  #note(note: string, ...names: readonly string[]): void {
    this.#context.push(`${this.#step} ${note}`);
    if (this.#context.length > this.#options.context) this.#context.shift();
    for (const name of names) this.#requests.set(name, (this.#requests.get(name) ?? 0) + 1);
  }

  #compare(label: string, request: string, answers: readonly Answer[]): void {
    const [left, right] = answers as [Answer, Answer];
    const fields = compareAnswers(left, right);
    if (fields.length === 0) return;
    const difference: Difference = {
      seed: this.#options.seed,
      step: this.#step,
      request,
      signature: `${label} | ${[...fields].sort().join(' & ')}`,
      fields,
      left,
      right,
      before: this.#context.slice(0, -1),
      explained: null,
    };
    const explanation = explanationOf(difference);
    difference.explained = explanation?.id ?? null;
    this.#differences.push(difference);
    this.#options.onDifference(difference);
    this.#stopped = this.#options.stopAt(difference);
    if (explanation?.same === 'all but watches') this.#watchesDiffer = true;
    if (this.#stopped || explanation?.same === undefined) throw new SegmentEnded();
  }
}
