import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { openAuditFile } from '../../src/audit/audit-file.ts';
import { type AuditEntry, jsonFormat } from '../../src/audit/audit-lines.ts';
import { AuditLog, type AuditSink } from '../../src/audit/audit-log.ts';
import { limits } from '../../src/limits.ts';

const entry = (wallMs: number): AuditEntry => ({ operation: 'serverStart', result: 'success', wallMs });

/** A sink whose writes end when the test says so. */
class SlowSink implements AuditSink {
  text = '';
  waiting: ((error: Error | null) => void) | null = null;
  write(text: string, done: (error: Error | null) => void): void {
    this.waiting = (error) => {
      this.waiting = null;
      if (error === null) this.text += text;
      done(error);
    };
  }
  writeNow(text: string): void {
    this.text += text;
  }
  close(): void {}
}

describe('the audit log', () => {
  const lost: [string, number][] = [];
  let turns: (() => void)[] = [];
  const open = (sink: AuditSink): AuditLog =>
    new AuditLog({
      ...{ format: jsonFormat('z', 0), sink, wallMs: () => 5 },
      defer: (fn) => turns.push(fn),
      lost: (reason, count) => lost.push([reason, count]),
    });
  const turn = (): void => {
    for (const fn of turns.splice(0)) fn();
  };
  beforeEach(() => {
    lost.length = 0;
    turns = [];
  });

  it('stops behind what is on its way to the disk, which nothing must cut off', async () => {
    const sink = new SlowSink();
    let closed = false;
    sink.close = () => {
      closed = true;
    };
    const audit = open(sink);
    audit.note(entry(1));
    turn();
    audit.note(entry(2));
    const stopped = audit.stop();
    assert.equal(closed, false);
    sink.waiting?.(null);
    await stopped;
    assert.deepEqual([closed, sink.text.trimEnd().split('\n').length], [true, 2]);
  });

  it('drops what finds no room, counts it, and says so in the log itself', () => {
    const sink = new SlowSink();
    const audit = open(sink);
    audit.note(entry(1));
    turn();
    for (let i = 0; i < limits.auditRecords + 10; i++) audit.note(entry(2));
    assert.equal(audit.dropped, 10);
    while (sink.waiting !== null || turns.length > 0) {
      sink.waiting?.(null);
      turn();
    }
    const lines = sink.text.trimEnd().split('\n');
    assert.equal(lines.length, 1 + 1 + limits.auditRecords);
    assert.match(lines[1] ?? '', /"operation":"auditRecordsDropped","count":10/);
    assert.deepEqual(lost, [['they come faster than they can be written', 10]]);
  });

  it('tells of records that the disk refused, and goes on', () => {
    const sink = new SlowSink();
    const audit = open(sink);
    audit.note(entry(1));
    turn();
    sink.waiting?.(new Error('ENOSPC'));
    assert.deepEqual(lost, [['ENOSPC', 1]]);
    audit.note(entry(2));
    turn();
    sink.waiting?.(null);
    assert.match(sink.text, /^\{[^\n]*auditRecordsDropped[^\n]*\}\n\{[^\n]*serverStart[^\n]*\}\n$/);
  });

  it('writes what waits when it is stopped', () => {
    const sink = new SlowSink();
    const audit = open(sink);
    for (let i = 0; i < 2000; i++) audit.note(entry(i));
    audit.stop();
    assert.equal(sink.text.split('\n').length, 2001);
  });
});

describe('the file of the audit log', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'headkeeper-audit-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is put aside when it is full, and the oldest goes', async () => {
    const path = join(folder, 'audit.log');
    writeFileSync(path, 'from before\n');
    const file = openAuditFile(path, 100, 3);
    for (let i = 0; i < 12; i++) {
      await new Promise<void>((resolve, reject) =>
        file.write(`${String(i).padStart(2, '0')}${'x'.repeat(47)}\n`, (error) =>
          error === null ? resolve() : reject(error),
        ),
      );
    }
    file.close();
    assert.deepEqual(readdirSync(folder).sort(), ['audit.log', 'audit.log.1', 'audit.log.2', 'audit.log.3']);
    const first = (name: string): string => readFileSync(join(folder, name), 'utf8').slice(0, 2);
    assert.deepEqual(
      ['', '.1', '.2', '.3'].map((suffix) => first(`audit.log${suffix}`)),
      ['11', '09', '07', '05'],
    );
    assert.equal(statSync(`${path}.1`).size, 100);
  });

  it('is not readable for everybody', () => {
    const path = join(folder, 'audit.log');
    openAuditFile(path, 100, 1).close();
    assert.equal(statSync(path).mode & 0o007, 0);
  });
});
