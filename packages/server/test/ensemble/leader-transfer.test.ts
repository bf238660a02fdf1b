import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ErrorCode } from '@headkeeper/protocol';
import { freePorts, leaderOf, MemberProcess, until } from './member-process.ts';
import { MemberSession, using } from './member-session.ts';

/** A killed leader's followers wait for nothing either, but for what happens to be under way; on a busy machine all is slower. */
const LONGEST_GAP_MS = 1500;

/** Writes through one server, one after the other, until it is told to stop; connects again whenever it must. */
class Writer {
  readonly #member: MemberProcess;
  readonly #name: string;
  #count = 0;
  #stopped = false;
  longestGapMs = 0;
  reconnects = 0;
  readonly acknowledged: string[] = [];
  readonly #over: Promise<void>;

  constructor(member: MemberProcess, name: string) {
    this.#member = member;
    this.#name = name;
    this.#over = this.#run();
  }

  get count(): number {
    return this.acknowledged.length;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#over;
  }

  async #run(): Promise<void> {
    let last = performance.now();
    while (!this.#stopped) {
      await using(this.#member, async (session) => {
        this.reconnects++;
        while (!this.#stopped) {
          const path = `/${this.#name}-${this.#count++}`;
          const error = await session.create(path, path);
          if (error !== ErrorCode.ok) throw new Error(`${path}: ${error}`);
          this.acknowledged.push(path);
          const now = performance.now();
          this.longestGapMs = Math.max(this.longestGapMs, now - last);
          last = now;
        }
      });
    }
  }
}

describe('a leader that hands over', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-transfer-'));
  const members: MemberProcess[] = [];

  before(async () => {
    for (let sid = 1; sid <= 3; sid++) members.push(new MemberProcess(folder, sid, await freePorts()));
    for (const member of members) member.configure(members.map((each) => each.line()));
    for (const member of members) member.start();
    await leaderOf(members);
  });

  after(async () => {
    await Promise.all(members.map((member) => member.kill()));
    rmSync(folder, { recursive: true });
  });

  const others = (than: MemberProcess): MemberProcess[] => members.filter((member) => member !== than);

  /** Lets a leader end its role while clients write through the two others; checks what it costs them. */
  async function underLoad(
    label: string,
    end: (leader: MemberProcess) => void,
  ): Promise<[MemberProcess, MemberProcess]> {
    const leader = await leaderOf(members);
    const idle = await MemberSession.open(leader);
    const writers = others(leader).map((member) => new Writer(member, `${label}-${member.sid}`));
    const written = (): number => Math.min(...writers.map(({ count }) => count));
    const progress = async (): Promise<void> => {
      const before = written();
      await until('clients write', () => written() > before + 50, members);
    };
    await progress();
    for (const writer of writers) writer.longestGapMs = 0;
    end(leader);
    await until('another leads', async () =>
      (await Promise.all(others(leader).map((m) => m.mode()))).includes('leader'),
    );
    await progress();
    await Promise.all(writers.map((writer) => writer.stop()));
    const successor = await leaderOf(members);
    for (const writer of writers) {
      console.log(
        `${label}: the longest gap was ${writer.longestGapMs.toFixed(0)} ms, ${writer.reconnects - 1} reconnects`,
      );
      assert.ok(writer.longestGapMs < LONGEST_GAP_MS, `${writer.longestGapMs} ms without a write`);
      await using(successor, async (session) => {
        for (const path of writer.acknowledged) assert.equal(await session.read(path), path);
      });
    }
    if (leader.isRunning) assert.equal(idle.isOpen, true, 'a client that waited for nothing keeps its connection');
    idle.end();
    return [leader, successor];
  }

  it('is followed by the most advanced voter, and loses nothing of what clients were told', async () => {
    const [former, successor] = await underLoad('asked', (leader) => leader.signal('SIGUSR2'));
    assert.notEqual(former, successor);
    await former.isIn('follower');
    assert.match(former.log, new RegExp(`handing over to server ${successor.sid}`));
  });

  it('does so by itself when it is stopped', async () => {
    let ended: Promise<void> | null = null;
    const [former, successor] = await underLoad('stopped', (leader) => {
      ended = leader.stop();
    });
    await ended;
    assert.match(former.log, new RegExp(`handing over to server ${successor.sid}`));
    former.start();
    await former.isIn('follower');
  });

  it('need not wait when there is nobody to hand over to', async () => {
    const leader = await leaderOf(members);
    const began = performance.now();
    await Promise.all(members.map((member) => member.stop()));
    const took = performance.now() - began;
    assert.ok(took < 10_000, `${took} ms`);
    assert.equal(leader.isRunning, false);
  });
});
