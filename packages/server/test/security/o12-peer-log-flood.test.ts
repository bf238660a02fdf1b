import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { encodeRepairRequest, QuorumPacketType, Writer, writePacket } from '@headkeeper/protocol';
import { isFree } from '@headkeeper/testkit';
import { freePorts, leaderOf, MemberProcess, until } from '../ensemble/member-process.ts';

const STRANGERS = 600;
/** In a minute, of what peers bring about, and of what the server does by itself. */
const MOST_LINES = 256 + 20;

/** Connections to a port, one after the other, each of which sends this and waits for the end. */
async function knock(port: number, bytes: Uint8Array): Promise<void> {
  for (let i = 0; i < STRANGERS; i++) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.resume();
    socket.end(bytes);
    await once(socket, 'close');
  }
}

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
    await knock(ports.quorum, greeting.toBytes());
    const lines = (member as MemberProcess).log.slice(log.length).split('\n');
    assert.ok(
      lines.some((line) => line.includes('observer 9 is gone')),
      'it is told',
    );
    assert.ok(lines.length <= MOST_LINES, `${lines.length} lines`);
  });
});

describe('the log of a server that looks for a leader', { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-flood-'));
  let member: MemberProcess | null = null;
  before(async () => {
    member = new MemberProcess(folder, 1, await freePorts());
    const others = [2, 3].map(async (sid) => new MemberProcess(folder, sid, await freePorts()).line());
    member.configure([member.line(), ...(await Promise.all(others))]);
    const { quorum } = member.start().ports;
    await until('it listens', async () => !(await isFree(quorum)), [member]);
  });
  after(async () => {
    await member?.kill();
    rmSync(folder, { recursive: true });
  });

  it('does not grow with every request for its history', async () => {
    const { ports, log } = member as MemberProcess;
    await knock(ports.quorum, encodeRepairRequest({ kind: 'snapshot', sid: 2, upTo: 0 }));
    const lines = (member as MemberProcess).log.slice(log.length).split('\n');
    assert.ok(
      lines.some((line) => line.includes('puts its history together again')),
      'it is told',
    );
    assert.ok(lines.length <= MOST_LINES, `${lines.length} lines`);
  });
});
