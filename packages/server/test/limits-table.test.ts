import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { limits } from '../src/limits.ts';

type Name = keyof typeof limits;

const source: string = join(import.meta.dirname, '../../test');

/** Every limit on what clients make this server hold or do: the file, and the name, of a test that comes up against it. */
const TESTS: Partial<Record<Name, readonly [file: string, test: string]>> = {
  outputHighWater: [
    'core/limits.test.ts',
    'requests for more output than fits wait until the network has taken what there is',
  ],
  outputMaximum: ['core/held.test.ts', 'a list of children that is too long for any client is refused'],
  unsentBytes: ['client/slow-readers.test.ts', 'is cut off before others when too much waits for all of them'],
  outputStallMs: ['client/slow-readers.test.ts', 'slow is who takes nothing, not who takes little'],
  reservedDescriptors: [
    'system/descriptors.test.ts',
    'clients get all descriptors but those in reserve, and half of few',
  ],
  readBytes: ['client/slow-readers.test.ts', 'a connection that sends without end leaves others their turn'],
  requestsPerTurn: ['core/held.test.ts', 'has room for so many requests; what is more of a connection'],
  requestsPerConnection: ['core/held.test.ts', 'has room for so many requests; what is more of a connection'],
  requestsPerShare: ['core/held.test.ts', 'who waited gets a share in, and then the next one does'],
  deferredRequests: ['core/ordering.test.ts', 'a connection is not read from while it has too much waiting'],
  deferredBytes: ['core/ordering.test.ts', 'what waits is bounded in bytes too'],
  outstandingProposals: [
    'core/held.test.ts',
    'so many txns may be under way before connections with unanswered requests wait',
  ],
  outstandingBytes: ['core/limits.test.ts', 'a client that writes faster than the disk is not read for a while'],
  handshakeBytes: ['core/held.test.ts', 'a handshake is short'],
  smallRequestBytes: ['core/held.test.ts', 'while the disk is behind a large request waits even as the first one'],
  heldInputBytes: ['core/held.test.ts', 'when input that waits is too much in all, those with most of it are cut off'],
  appliedBytesAtOnce: ['core/held.test.ts', 'applies so many bytes; until the rest is applied nothing else happens'],
  ephemeralsAtOnce: ['core/held.test.ts', 'ends a session with more ephemerals than that in slices'],
  outputsPerStep: ['core/held.test.ts', 'sends to so many connections; the others follow'],
  watchesPerConnection: ['core/held.test.ts', 'a connection has so many watches, and is told of one too many'],
  watchedPathBytes: ['core/held.test.ts', 'watched paths have so many bytes'],
  identities: ['core/sessions.test.ts', 'identities of a connection are bounded'],
  identityBytes: ['core/limits.test.ts', 'identities are limited in number and size'],
  expandedAclBytes: ['core/limits.test.ts', 'no expansion of auth entries makes a record that cannot be read back'],
  snapshotQueue: ['disk/snapshot-files.test.ts', 'make the writer wait when the disk does not keep up'],
  auditRecords: ['audit/audit-log.test.ts', 'limits.auditRecords'],
  failedAuthenticationMs: ['core/authentication.test.ts', 'limits.failedAuthenticationMs'],
  failedAuthentications: ['core/authentication.test.ts', 'limits.failedAuthentications'],
  longAnswers: ['client/long-words.test.ts', 'limits.longAnswers'],
  metricKeyBytes: ['core/namespaces.test.ts', 'limits.metricKeyBytes'],
  metricNamespaces: ['core/namespaces.test.ts', 'limits.metricNamespaces'],
  saslExchangeMs: ['core/authentication.test.ts', 'limits.saslExchangeMs'],
  forwardedTxns: ['zab/sessions-over-servers.test.ts', 'a learner that forwards without end is dropped, and no other'],
  forwardedBytes: ['zab/sessions-over-servers.test.ts', 'a learner that forwards without end is dropped, and no other'],
  learnerQuestions: ['zab/sessions-over-servers.test.ts', 'a learner that asks without end is dropped, and no other'],
  repairBytes: ['log/history-repair.test.ts', 'with no more txns of others than may be held'],
  usersFileBytes: ['sasl/users-file.test.ts', 'limits.usersFileBytes'],
};

/**
 * What is no client's: a default of a setting, or a limit on what other servers and backups send; and the limits of TLS, of logins
 * and of the doors for operators, which the tests of those reach by what they do and not by name.
 */
const ELSEWHERE: ReadonlySet<string> = new Set<Name>([
  'juteMaxBuffer',
  'committedLogBytes',
  'learnerQueueBytes',
  'peerPacketOverhead',
  'earlyPeerBytes',
  'backupRecordBytes',
  'largestEpoch',
  'learners',
  'txnsOfEpoch',
  'auditedRequests',
  'certificateIdBytes',
  'digestTokenBytes',
  'failedAuthenticationAddresses',
  'handshakeMs',
  'kerberosProofs',
  'readyFreeBytes',
  'ticketTokenBytes',
  'tlsHandshakes',
]);

for (const name of Object.keys(limits) as Name[]) {
  test(`${name} has a test that comes up against it`, () => {
    const row = TESTS[name];
    assert.equal(row === undefined, ELSEWHERE.has(name), 'a limit is in one of the two lists');
    if (row === undefined) return;
    const [file, title] = row;
    const text = readFileSync(join(source, file), 'utf8');
    assert.ok(text.includes(title), `${file} has no test "${title}"`);
    const reads = new RegExp(`limits\\.${name}\\b|\\{[^}]*\\b${name}\\b[^}]*\\} = limits`);
    assert.match(text, reads, `${file} does not read it`);
  });
}
