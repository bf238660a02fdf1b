import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode } from '@headkeeper/protocol';
import { Membership, parseMembership } from '../../src/core/membership/membership.ts';
import { type ReconfigurationContext, reconfigured } from '../../src/core/membership/reconfiguration.ts';

const S1 = 'server.1=127.0.0.1:24281:24381:participant;127.0.0.1:24181';
const ZXID = 0x100000042;
const { badArguments, badVersion, marshallingError, newConfigNoQuorum, reconfigInProgress } = ErrorCode;

/** A leader alone, as the Apache server was that these answers are from (3.9.5, `standaloneEnabled=false`). */
function alone(members: string = S1, over: Partial<ReconfigurationContext> = {}): ReconfigurationContext {
  const committed = parseMembership(`${members}\nversion=100000000`);
  return {
    committed,
    lastSeen: committed,
    singleVoterAllowed: true,
    multiAddress: false,
    hasSyncedQuorum: (next) => next.isQuorum(new Set([1])),
    ...over,
  };
}

function change(
  joining: string | null,
  leaving: string | null,
  context = alone(),
  newMembers: string | null = null,
): string | number {
  const request = { joiningServers: joining, leavingServers: leaving, newMembers, curConfigId: -1 };
  const result = reconfigured(request, context, ZXID);
  if (!(result instanceof Membership)) return result;
  const lines = result.toText().split('\n');
  assert.equal(lines.pop(), 'version=100000042');
  return lines.join('\n').replace(S1, 'S1');
}

function replace(newMembers: string, context = alone()): string | number {
  return change('server.x', 'x', context, newMembers.replaceAll('S1', S1));
}

test('one reconfiguration at a time, and of the version that the client means', () => {
  const context = alone();
  const request = { joiningServers: null, leavingServers: null, newMembers: null };
  const next = context.committed.withVersion(0x100000005);
  const pending = { ...context, lastSeen: next };
  assert.equal(reconfigured({ ...request, curConfigId: 5 }, pending, ZXID), reconfigInProgress);
  assert.equal(reconfigured({ ...request, curConfigId: 5 }, context, ZXID), badVersion);
  assert.ok(reconfigured({ ...request, curConfigId: 0x100000000 }, context, ZXID) instanceof Membership);
  assert.equal(context.committed.version, 0x100000000, 'unchanged');
});

test('servers that leave', () => {
  const two = alone(`${S1}\nserver.2=127.0.0.1:5:6:observer\nserver.3=127.0.0.1:7:8:observer`);
  assert.equal(change(null, null), 'S1');
  assert.equal(change('', ''), 'S1');
  assert.equal(change(null, '7'), 'S1');
  assert.equal(change(null, ' 2 , 3 ', two), 'S1');
  assert.equal(change(null, '3,-1', two), 'S1\nserver.2=127.0.0.1:5:6:observer');
  assert.equal(change(null, '1'), badArguments);
  assert.equal(change(null, '1,2', two), badArguments);
  assert.equal(change(null, 'x'), marshallingError);
  assert.equal(change(null, '2,3x', two), marshallingError);
});

test('servers that join', () => {
  const observer = 'server.2=127.0.0.1:5:6:observer;24182';
  const written = 'server.2=127.0.0.1:5:6:observer;0.0.0.0:24182';
  assert.equal(change(observer, null), `S1\n${written}`);
  assert.equal(change(' server.2 = 127.0.0.1:5:6:observer;24182 , ', null), `S1\n${written}`);
  assert.equal(change('2=127.0.0.1:5:6: Observer ;24182', null), `S1\n${written}`);
  assert.equal(change('server.12=a:5:6:observer;1,server.2=b:5:6:observer;1', null)?.toString().split('\n').length, 3);
  assert.equal(
    change('server.12=a:5:6:observer;1,server.2=b:5:6:observer;1', null),
    'S1\nserver.2=b:5:6:observer;0.0.0.0:1\nserver.12=a:5:6:observer;0.0.0.0:1',
    'ascending',
  );
});

test('a server that is there already is replaced, and may leave and join at once', () => {
  const two = alone(`${S1}\nserver.2=10.9.9.9:5:6:observer;7`);
  assert.equal(change('server.2=10.9.9.9:6:5:observer;8', null, two), 'S1\nserver.2=10.9.9.9:6:5:observer;0.0.0.0:8');
  assert.equal(change('server.2=10.9.9.9:6:5:observer;8', '2', two), 'S1\nserver.2=10.9.9.9:6:5:observer;0.0.0.0:8');
});

test('joiners that make no sense', () => {
  const malformed = [
    ...['server.x=127.0.0.1:1:2;3', 'server.2=127.0.0.1:1:2', 'server.2=127.0.0.1:1;3', 'server.2', 'server.2=a=b'],
    ...['server.2=127.0.0.1:x:2;3', 'server.2=127.0.0.1:2:2;3', 'server.2=127.0.0.1:70000:2;3'],
    ...['server.2=127.0.0.1:5:6:boss;3', 'server.4=127.0.0.1:11:12:observer;24184|x', 'server.2=::1:57:58:observer;2'],
    ...['server.4=127.0.0.1:11:12|127.0.0.2:11:12;24184', 'server.2=127.0.0.1:57:58:observer;24182;5'],
  ];
  for (const joiner of malformed) assert.equal(change(joiner, null), badArguments, joiner);
});

test('several addresses are allowed where they are', () => {
  const joiner = 'server.4=b:1:2|a:1:2:observer;5';
  assert.equal(change(joiner, null, alone(S1, { multiAddress: true })), 'S1\nserver.4=a:1:2|b:1:2:observer;0.0.0.0:5');
  assert.equal(change(joiner, null), badArguments);
  assert.equal(replace('S1,server.4=b:1:2|a:1:2:observer'), badArguments);
});

test('an address that another server has is refused, unless it is a loopback or a wildcard', () => {
  const two = alone(`${S1}\nserver.2=10.9.9.9:5:6:observer;10.9.9.9:7`);
  for (const joiner of ['10.9.9.9:5:8:observer;9', '10.9.9.9:8:9:observer;10.9.9.9:6', '10.9.9.9:8:7:observer;10']) {
    assert.equal(change(`server.3=${joiner}`, null, two), badArguments, joiner);
    assert.equal(typeof change(`server.3=${joiner}`, '2', two), 'string', 'the other has left');
  }
  const allowed = [
    'server.3=10.9.9.9:18:17:observer;10.9.9.9:17',
    'server.3=127.0.0.1:24281:24381:observer;127.0.0.1:24181',
    'server.5=0.0.0.0:28:37:observer;39,server.6=0.0.0.0:28:37:observer;39',
    'server.5=[::1]:28:37:observer;39,server.6=[::1]:28:37:observer;39',
    'server.5=[::]:28:37:observer;39,server.6=[::]:28:37:observer;39',
  ];
  for (const joiner of allowed) assert.equal(typeof change(joiner, null, two), 'string', joiner);
  // Judged one by one: the second wants what the first has not yet given up, or has taken.
  const three = alone(`${S1}\nserver.3=10.9.9.9:28:27:observer;10.9.9.9:29`);
  const four = 'server.4=10.9.9.9:28:37:observer;0.0.0.0:29';
  const moved = 'server.3=10.9.9.9:48:47:observer;10.9.9.9:29';
  assert.equal(change(`${four},${moved}`, null, three), badArguments);
  assert.equal(typeof change(`${moved},${four}`, null, three), 'string');
  assert.equal(change('server.8=a:1:2:observer;3,server.9=A:2:4:observer;5', null), badArguments);
});

test('a quorum of the new membership must be in sync', () => {
  assert.equal(change('server.2=127.0.0.1:17:18;24182', null), newConfigNoQuorum);
  assert.equal(replace('server.2=127.0.0.1:5:6;24182'), newConfigNoQuorum);
  assert.equal(replace('S1,group.1=1,weight.1=0'), newConfigNoQuorum);
  assert.equal(replace('S1,group.1=1:2,weight.2=4'), newConfigNoQuorum);
});

test('two participants are the least of an ensemble that may run standalone', () => {
  const strict = { singleVoterAllowed: false, hasSyncedQuorum: () => true };
  const two = `${S1}\nserver.2=b:1:2:participant`;
  assert.equal(change(null, '2', alone(two, strict)), badArguments);
  assert.equal(change(null, '2', alone(two)), 'S1');
  assert.equal(replace('S1', alone(two, strict)), badArguments);
  assert.equal(replace('S1,server.3=c:1:2', alone(two, strict)), 'S1\nserver.3=c:1:2:participant');
});

test('a whole new membership', () => {
  assert.equal(replace('S1'), 'S1');
  assert.equal(replace('version=7,S1'), 'S1', 'its version is that of the transaction');
  assert.equal(replace('S1\n# x\nserver.9=localhost:5:6:observer'), 'S1\nserver.9=localhost:5:6:observer');
  assert.equal(replace('S1,group.1=1'), 'S1\ngroup.1=1\nweight.1=1');
  assert.equal(replace('S1,group.1=1:2,weight.2=0'), 'S1\ngroup.1=1:2\nweight.1=1\nweight.2=0');
  assert.equal(replace('S1,group.1=1,weight.9=5'), 'S1\ngroup.1=1\nweight.1=1\nweight.9=5');
  assert.equal(
    replace('S1,server.2=127.0.0.1:24281:24381:observer;24181'),
    'S1\nserver.2=127.0.0.1:24281:24381:observer;0.0.0.0:24181',
  );
  for (const text of ['', 'server.1', 'foo=1,S1', 'server.x=1', 'version=zz,S1', 'S1,weight.1=3', 'S1,group.1=1:2']) {
    assert.equal(replace(text), badArguments, text);
  }
});

test('groups can be replaced as a whole only', () => {
  const grouped = alone(`${S1}\ngroup.1=1`);
  assert.equal(change('server.2=a:1:2:observer;3', null, grouped), badArguments);
  assert.equal(change(null, '7', grouped), badArguments);
  assert.equal(replace('S1', grouped), 'S1');
});
