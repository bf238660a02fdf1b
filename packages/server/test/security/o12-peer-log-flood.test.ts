import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { QuorumPacketType, Writer, writePacket } from '@headkeeper/protocol';
import { freePorts, leaderOf, MemberProcess } from '../ensemble/member-process.ts';

const STRANGERS = 600;
/** In a minute, of what peers bring about, and of what the server does by itself. */
const MOST_LINES = 256 + 20;

describe('the log of a leader whose quorum port strangers knock at', { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-flood-'));
  let member: MemberProcess | null = null;
  before(async () => {
    member = new MemberProcess(folder, 1, await freePorts());
    member.configure(['standaloneEnabled=false', member.line()]);
    await leaderOf([member.start()]);
  });
  after(async () => {
    await member?.kill();
    rmSync(folder, { recursive: true });
  });

  it('does not grow with every learner that comes and goes', async () => {
    const { ports, log } = member as MemberProcess;
    const greeting = new Writer(64);
    const data = new Writer(32);
    data.long(9);
    data.int(0x10000);
    data.long(0);
    writePacket(greeting, QuorumPacketType.observerInfo, 0, data.toBytes());
    for (let i = 0; i < STRANGERS; i++) {
      const socket = connect(ports.quorum, '127.0.0.1');
      socket.on('error', () => {});
      socket.resume();
      socket.end(greeting.toBytes());
      await once(socket, 'close');
    }
    const lines = (member as MemberProcess).log.slice(log.length).split('\n');
    assert.ok(
      lines.some((line) => line.includes('observer 9 is gone')),
      'it is told',
    );
    assert.ok(lines.length <= MOST_LINES, `${lines.length} lines`);
  });
});
