import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type AuditEntry, apacheFormat, apacheMessage, jsonFormat } from '../../src/audit/audit-lines.ts';
import type { AuditEvent } from '../../src/core/audit-trail.ts';

const EVENT: AuditEvent = {
  operation: 'create',
  wallMs: Date.UTC(2026, 10, 22, 18, 31, 47, 5),
  sessionHigh: 0x10000,
  sessionLow: 0x5a0b0001 | 0,
  identities: [
    { scheme: 'ip', id: '127.0.0.1' },
    { scheme: 'super', id: '' },
    { scheme: 'digest', id: 'ann:uxrLPQPkMN6EEMCVRXZcUIh1QEA=' },
  ],
  address: '127.0.0.1',
  path: '/a',
  mode: 3,
  acl: null,
  error: 0,
  zxid: 7,
  scheme: null,
};
const DECEITS = [
  '\t',
  '\n',
  '\r',
  '\x1b[2K',
  '\x7f',
  '\x9b',
  '\u2028',
  '\u2029',
  '\u202e',
  '\u2066',
  '\u200f',
  '\ud800',
];

describe("lines of Apache ZooKeeper's audit log", () => {
  const message = (entry: AuditEntry): string | null => apacheMessage(entry, 'zookeeper');

  it('have its fields in its order', () => {
    assert.equal(
      message(EVENT),
      'session=0x100005a0b0001\tuser=127.0.0.1,ann\tip=127.0.0.1\toperation=create\tznode=/a\t' +
        'znode_type=ephemeral_sequential\tresult=success',
    );
    const acl = [
      { perms: 31, scheme: 'world', id: 'anyone' },
      { perms: 5, scheme: 'ip', id: '10.0.0.0/8' },
    ];
    assert.match(
      message({ ...EVENT, operation: 'setAcl', mode: null, acl, error: -102 }) ?? '',
      /\tacl=world:anyone:cdrwaip:10\.0\.0\.0\/8:cr\tresult=failure$/,
    );
    assert.equal(
      message({ operation: 'serverStop', result: 'invoked', wallMs: 0 }),
      'user=zookeeper\toperation=serverStop\tresult=invoked',
    );
    assert.equal(
      message({
        ...EVENT,
        identities: null,
        address: null,
        mode: null,
        operation: 'ephemeralZNodeDeletionOnSessionCloseOrExpire',
      }),
      'session=0x100005a0b0001\tuser=zookeeper\toperation=ephemeralZNodeDeletionOnSessionCloseOrExpire\tznode=/a\tresult=success',
    );
  });

  it('begin with time, level and logger in the file', () => {
    const { line } = apacheFormat('zookeeper');
    assert.match(line(EVENT) ?? '', /^2026-11-2\d \d\d:\d\d:47,005 INFO o\.a\.z\.a\.Slf4jAuditLogger: session=/);
    assert.match(line({ ...EVENT, error: -101 }) ?? '', / ERROR o\.a/);
  });

  it('do not show hashes of passwords', () => {
    const acl = [{ perms: 31, scheme: 'digest', id: 'bob:2iFXKdT5tLqTqjMZPPrGkIqFFQ0=' }];
    const text = `${message({ ...EVENT, acl })}${jsonFormat('z', 1).line({ ...EVENT, acl })}`;
    assert.doesNotMatch(text, /uxrLPQ|2iFXKd/);
    assert.match(text, /digest:bob:x:cdrwa/);
  });

  it('cannot be forged by names of users, paths, access control lists (CVE-2026-84439, CVE-2026-84501)', () => {
    for (const deceit of DECEITS) {
      const text = `x${deceit}result=success`;
      const line = message({
        ...EVENT,
        operation: 'setAcl',
        identities: [{ scheme: 'digest', id: `${text}:hash` }],
        path: `/${text}`,
        acl: [{ perms: 1, scheme: text, id: text }],
        error: -102,
      });
      assert.equal(line?.split('\t').length, 8, JSON.stringify(deceit));
      assert.doesNotMatch(line?.replaceAll('\t', '') ?? '', /[\p{C}\p{Zl}\p{Zp}]/u, JSON.stringify(deceit));
      assert.match(line ?? '', /\tresult=failure$/);
    }
    const two = message({ ...EVENT, identities: [{ scheme: 'digest', id: 'ann,root:hash' }] });
    assert.match(two ?? '', /\tuser=ann\\u002croot\t/);
  });

  it('keep to one line whatever they tell of', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (path, id) => {
        const line = message({ ...EVENT, path, identities: [{ scheme: 'x509', id }] }) ?? '';
        assert.doesNotMatch(line.replaceAll('\t', ''), /[\p{C}\p{Zl}\p{Zp}]/u);
        assert.match(line, /^session=[^\t]*(\tuser=[^\t]*)?\tip=[^\t]*\toperation=create\tznode=[^\t]*\t/);
      }),
    );
  });
});

describe('lines of JSON', () => {
  it('are one visible line that means what was said', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (path) => {
        const line = jsonFormat('z', 3).line({ ...EVENT, path: `/${path}${DECEITS.slice(0, -1).join('')}` }) ?? '';
        assert.doesNotMatch(line, /[\p{C}\p{Zl}\p{Zp}]/u);
        assert.equal((JSON.parse(line) as { znode: string }).znode, `/${path}${DECEITS.slice(0, -1).join('')}`);
      }),
    );
  });

  it('tell what Apache does not: failed authentication, calls of operators', () => {
    const json = (entry: AuditEntry): object => JSON.parse(jsonFormat('z', 3).line(entry) ?? '') as object;
    const failed = { ...EVENT, operation: 'authentication', path: null, mode: null, error: -115, zxid: null } as const;
    assert.deepEqual(json({ ...failed, scheme: 'digest' }), {
      ...{ time: '2026-11-22T18:31:47.005Z', server: 3, session: '0x100005a0b0001' },
      users: [
        { scheme: 'ip', id: '127.0.0.1' },
        { scheme: 'super', id: '' },
        { scheme: 'digest', id: 'ann:x' },
      ],
      ...{ ip: '127.0.0.1', operation: 'authentication', scheme: 'digest', result: 'failure', error: -115 },
    });
    const call = { command: 'snapshot', method: 'GET', address: '10.0.0.1', user: 'ops', status: 403 };
    assert.deepEqual(json({ operation: 'adminCommand', wallMs: 0, ...call }), {
      ...{ time: '1970-01-01T00:00:00.000Z', server: 3, operation: 'adminCommand', command: 'snapshot' },
      ...{ method: 'GET', ip: '10.0.0.1', user: 'ops', status: 403, result: 'failure' },
    });
  });
});
