import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { Membership, MembershipError, parseMembership } from '../../src/core/membership/membership.ts';
import { anyParts } from './any-membership.ts';

const VECTORS = new URL('.', import.meta.resolve('@headkeeper/testkit/vectors/client-protocol.json'));
const THREE = 'server.1=a:1:2:participant\nserver.2=b:1:2:participant\nserver.3=c:1:2:observer';

/** Every text of a membership in a capture, wherever it stands. */
function* textsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') {
    if (/^server\.\d+=[\s\S]*\nversion=[0-9a-f]+$/.test(value)) yield value;
  } else if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) yield* textsIn(part);
  }
}

function refusal(text: string): MembershipError {
  try {
    parseMembership(text);
  } catch (error) {
    assert.ok(error instanceof MembershipError);
    return error;
  }
  assert.fail(`taken: ${text}`);
}

test('every text that Apache servers sent each other is written again character by character', () => {
  const texts = new Set<string>();
  for (const folder of ['election', 'sync', 'steady']) {
    for (const name of readdirSync(new URL(folder, VECTORS))) {
      const capture = JSON.parse(readFileSync(new URL(`${folder}/${name}`, VECTORS), 'utf8'));
      for (const text of textsIn(capture)) texts.add(text);
    }
  }
  assert.ok(texts.size >= 6, `${texts.size} texts`);
  for (const text of texts) {
    const membership = parseMembership(text);
    assert.equal(membership.toText(), text);
    assert.equal(membership.version, Number.parseInt(text.slice(text.lastIndexOf('=') + 1), 16));
  }
});

test('the files that an Apache server kept are written again byte by byte', () => {
  const folder = new URL('datadir-alltypes/config/', VECTORS);
  const names = readdirSync(folder).filter((name) => name.startsWith('zoo.cfg.dynamic.'));
  assert.equal(names.length, 4);
  for (const name of names) {
    const text = readFileSync(new URL(name, folder), 'utf8');
    const version = Number.parseInt(name.slice(name.lastIndexOf('.') + 1), 16);
    const membership = parseMembership(text).withVersion(version);
    assert.equal(membership.toFileText(false), text);
    assert.ok(membership.toFileText(true).endsWith(`\nversion=${version.toString(16)}`));
  }
});

test('a file has its lines sorted by their code units, the version among them', () => {
  const text = 'server.10=a:1:2:participant\nserver.2=b:1:2:participant\ngroup.1=2:10\nversion=b';
  assert.equal(
    parseMembership(text).toFileText(true),
    'group.1=2:10\nserver.10=a:1:2:participant\nserver.2=b:1:2:participant\nversion=b\nweight.10=1\nweight.2=1',
  );
});

test('what a line may leave out, and how Apache 3.9.5 writes it', () => {
  const written: [string, string][] = [
    ['a:1:2', 'a:1:2:participant'],
    ['a:1:2: Observer ', 'a:1:2:observer'],
    ['a:1:2;3', 'a:1:2:participant;0.0.0.0:3'],
    ['a:1:2;', 'a:1:2:participant'],
    ['a:1:2;b:3', 'a:1:2:participant;b:3'],
    ['[::1]:57:58:observer;[::1]:24182', '[0:0:0:0:0:0:0:1]:57:58:observer;[0:0:0:0:0:0:0:1]:24182'],
    ['[2001:DB8::A:0]:5:6:observer;8', '[2001:db8:0:0:0:0:a:0]:5:6:observer;0.0.0.0:8'],
    ['[::ffff:1.2.3.4]:5:6:observer;8', '1.2.3.4:5:6:observer;0.0.0.0:8'],
    ['[fe80::1%lo]:5:6:observer;8', '[fe80::1%lo]:5:6:observer;0.0.0.0:8'],
    ['LocalHost:5:6:observer;8', 'LocalHost:5:6:observer;0.0.0.0:8'],
    ['b:1:2|a:3:4', 'a:3:4|b:1:2:participant'],
    ['b:1:2:observer|[::2]:3:4|a:5:6:observer;7', '[0:0:0:0:0:0:0:2]:3:4|a:5:6|b:1:2:observer;0.0.0.0:7'],
  ];
  for (const [given, expected] of written) {
    const lines = parseMembership(`server.1=z:1:2\nserver.7=${given}`).toText().split('\n');
    assert.equal(lines[1], `server.7=${expected}`);
  }
});

test('comments, blanks, line ends and backslashes are those of properties', () => {
  const text = '# three\r\n\r\n  server.1 = a\\:1\\:2 \r! and\n server.3:c:1:2:observer\nserver.2 b:1:2\n\nversion=0';
  assert.equal(parseMembership(text).toText(), `${THREE}\nversion=0`);
});

test('servers, groups and weights are written ascending; missing weights are 1', () => {
  const text =
    'weight.20=3\ngroup.2=9:20\nserver.20=a:1:2\ngroup.1=4\nserver.9=b:1:2\nserver.4=c:1:2\nweight.77=5\nversion=A';
  assert.equal(
    parseMembership(text).toText(),
    [
      ...['server.4=c:1:2:participant', 'server.9=b:1:2:participant', 'server.20=a:1:2:participant'],
      ...['group.1=4', 'group.2=9:20', 'weight.4=1', 'weight.9=1', 'weight.20=3', 'weight.77=5', 'version=a'],
    ].join('\n'),
  );
});

test('what is wrong is told with its line and with what was expected', () => {
  const cases: [string, number, RegExp][] = [
    ['', 0, /^expected at least one server\.N that is a participant, found no server$/],
    ['server.1=a:1:2:observer', 0, /found observers only$/],
    [`${THREE}\nclientPort=1`, 4, /^clientPort=1: expected server\.N, group\.N, weight\.N or version/],
    [`${THREE}\nserver.x=a:1:2`, 4, /where N is a number/],
    [`${THREE}\nserver.-1=a:1:2`, 4, /where N is a number/],
    [`${THREE}\nserver.9007199254740993=a:1:2`, 4, /where N is a number/],
    [`${THREE}\nserver.4`, 4, /^server\.4=: expected the form host:quorumPort:electionPort/],
    [`${THREE}\nserver.4=d:1`, 4, /expected the form host:quorumPort:electionPort/],
    [`${THREE}\nserver.4=d:1:2:observer:3`, 4, /expected the form/],
    [`${THREE}\nserver.4=::1:1:2`, 4, /expected the form/],
    [`${THREE}\nserver.4=:1:2`, 4, /expected a host name or an address, found ""/],
    [`${THREE}\nserver.4=d e:1:2`, 4, /expected a host name or an address, found "d e"/],
    [`${THREE}\nserver.4=[::1::2]:1:2`, 4, /found "::1::2"/],
    [`${THREE}\nserver.4=[1:2:3:4:5:6:7]:1:2`, 4, /expected a host name or an address/],
    [`${THREE}\nserver.4=[::1:1:2`, 4, /expected a "\]"/],
    [`${THREE}\nserver.4=[::1]1:2`, 4, /expected a ":" after the "\]"/],
    [`${THREE}\nserver.4=d:x:2`, 4, /expected a number from 1 to 65535 as quorum port, found "x"/],
    [`${THREE}\nserver.4=d:1:65536`, 4, /expected a number from 1 to 65535 as election port, found "65536"/],
    [`${THREE}\nserver.4=d:1:0`, 4, /from 1 to 65535 as election port, found "0"/],
    [`${THREE}\nserver.4=d:1:2;70000`, 4, /from 0 to 65535 as client port, found "70000"/],
    [`${THREE}\nserver.4=d:1:2;b:c:5`, 4, /expected \[clientHost:\]clientPort after the ";"/],
    [`${THREE}\nserver.4=d:1:2;3;4`, 4, /expected one ";" at most/],
    [`${THREE}\nserver.4=d:5:5`, 4, /expected two different ports, found 5/],
    [`${THREE}\nserver.4=d:1:2:boss`, 4, /expected the role participant or observer, found "boss"/],
    [`${THREE}\nserver.4=d:1:2:observer|e:1:2:participant`, 4, /the same role for all addresses/],
    [`${THREE}\nserver.2=d:1:2`, 4, /expected one line of this name, found another in line 2/],
    [`${THREE}\nversion=0x5`, 4, /expected a hexadecimal zxid without prefix/],
    [`${THREE}\nversion=ffffffffffffffff`, 4, /expected a hexadecimal zxid/],
    [`${THREE}\nversion=-1`, 4, /expected a hexadecimal zxid/],
    [`${THREE}\nweight.1=1`, 1, /^server\.1: expected every participant in a group, add 1 to a group\.N line$/],
    [`${THREE}\ngroup.1=1`, 2, /^server\.2: expected every participant in a group/],
    [
      `${THREE}\ngroup.1=1:2\n\ngroup.2=2`,
      6,
      /^group\.2=2: expected server 2 in one group only, it is in group\.1 too$/,
    ],
    [`${THREE}\ngroup.1=1:2:1`, 4, /expected server 1 in one group only/],
    [`${THREE}\ngroup.1=1:2:3`, 4, /expected participants, found 3, which is none and has no weight\.3 line/],
    [`${THREE}\ngroup.1=1:2:`, 4, /expected server ids with a ":" between them, found ""/],
    [`${THREE}\ngroup.1=1:2\nweight.1=-3`, 5, /expected a whole number from 0/],
    [`${THREE}\ngroup.1=1:2\nweight.1=1.5`, 5, /expected a whole number from 0/],
  ];
  for (const [text, line, message] of cases) {
    const error = refusal(text);
    assert.match(error.message, message, text);
    assert.equal(error.line, line, text);
  }
});

test('any membership survives its own text', () => {
  fc.assert(
    fc.property(anyParts, (parts) => {
      const membership = new Membership(parts);
      const again = parseMembership(membership.toText());
      assert.equal(again.toText(), membership.toText());
      assert.equal(parseMembership(membership.toFileText(true)).toText(), membership.toText());
      assert.deepEqual(again.members, parts.members);
      assert.deepEqual(again.groups, parts.hierarchy?.groups ?? null);
      assert.deepEqual(again.weights, parts.hierarchy?.weights ?? null);
      assert.equal(again.version, parts.version);
      assert.ok(again.sameMembers(membership));
    }),
  );
});
