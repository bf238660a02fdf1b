import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMembership } from '../../src/core/membership/membership.ts';

const TEXT = [
  'server.1=10.0.0.1:2888:3888:participant;0.0.0.0:2181',
  'server.2=10.0.0.2:2888:3888|10.1.0.2:2889:3889:participant',
  'server.5=Zoo5:2888:3888:observer',
  'version=100000003',
].join('\n');

test('who is in it, who votes, and where they are', () => {
  const membership = parseMembership(TEXT);
  assert.deepEqual([...membership.members.keys()], [1, 2, 5]);
  assert.deepEqual([...membership.voters], [1, 2]);
  assert.deepEqual(
    [1, 2, 5, 6].map((sid) => membership.isVoter(sid)),
    [true, true, false, false],
  );
  assert.deepEqual(membership.members.get(1)?.client, { host: '0.0.0.0', port: 2181 });
  assert.equal(membership.members.get(2)?.client, null);
  assert.deepEqual(membership.electionAddress(2), [
    { host: '10.0.0.2', port: 3888 },
    { host: '10.1.0.2', port: 3889 },
  ]);
  assert.deepEqual(membership.quorumAddress(2), [
    { host: '10.0.0.2', port: 2888 },
    { host: '10.1.0.2', port: 2889 },
  ]);
  assert.deepEqual(membership.electionAddress(6), []);
  assert.deepEqual(membership.quorumAddress(6), []);
});

test('weights: 1 with plain majorities, else what the lines say', () => {
  assert.equal(parseMembership(TEXT).weightOf(5), 1);
  const hierarchical = parseMembership(`${TEXT}\ngroup.1=1:2\nweight.2=0`);
  assert.deepEqual(
    [1, 2, 5, 6].map((sid) => hierarchical.weightOf(sid)),
    [1, 0, 0, 0],
  );
});

test('a new version leaves the members the same', () => {
  const before = parseMembership(TEXT);
  const after = before.withVersion(0x200000000);
  assert.equal(after.version, 0x200000000);
  assert.equal(after.toText(), TEXT.replace('100000003', '200000000'));
  assert.equal(before.toText(), TEXT);
  assert.ok(after.sameMembers(before));
});

test('the same members, however they are written, and every difference', () => {
  const membership = parseMembership(TEXT);
  const hierarchical = parseMembership(`${TEXT}\ngroup.1=1\ngroup.2=2`);
  const same = TEXT.replace('Zoo5', 'zoo5').replace(
    '10.0.0.2:2888:3888|10.1.0.2:2889:3889',
    '10.1.0.2:2889:3889|10.0.0.2:2888:3888',
  );
  assert.ok(membership.sameMembers(parseMembership(same)));
  assert.ok(hierarchical.sameMembers(parseMembership(`${TEXT}\nweight.1=1\ngroup.2=2\ngroup.1=1`)));
  const others = [
    TEXT.replace('10.0.0.1:2888', '10.0.0.1:2887'),
    TEXT.replace('10.0.0.1:2888:3888', '10.0.0.1:2888:3887'),
    TEXT.replace('10.0.0.1', '10.0.0.3'),
    TEXT.replace(':observer', ':participant'),
    TEXT.replace(';0.0.0.0:2181', ''),
    TEXT.replace(':2181', ':2182'),
    TEXT.replace('|10.1.0.2:2889:3889', ''),
    TEXT.replace('server.5', 'server.6'),
    TEXT.replace(/server\.5.*\n/, ''),
    `${TEXT}\ngroup.1=1:2`,
    `${TEXT}\ngroup.1=1\ngroup.2=2\nweight.2=2`,
  ];
  for (const text of others) {
    assert.ok(!membership.sameMembers(parseMembership(text)), text);
    assert.ok(!hierarchical.sameMembers(parseMembership(text)), text);
  }
});
