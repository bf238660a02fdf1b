import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseUsers, UsersFile, UsersFileError } from '../../src/adapters/sasl/users-file.ts';
import { limits } from '../../src/limits.ts';

test('each line is a user and a password, which may hold anything; comments and empty lines do not count', () => {
  const text = '\uFEFF# users\r\n\r\nann:secret\r\n  # more\nbob: with : colons #and blanks \ncarl:#\n';
  assert.deepEqual(
    [...parseUsers(text)],
    [
      ['ann', 'secret'],
      ['bob', ' with : colons #and blanks '],
      ['carl', '#'],
    ],
  );
  assert.equal(parseUsers('').size, 0);
});

test('what is no user is refused by its line, without what stands there', () => {
  for (const [text, line] of [
    ['hunter2', 1],
    ['ann:a\n:hunter2', 2],
    ['ann:hunter2\n\nann:hunter2', 3],
    ['# users\nhunter2:', 2],
  ] as const) {
    assert.throws(
      () => parseUsers(text),
      (error) =>
        error instanceof UsersFileError &&
        error.message.startsWith(`line ${line}: expected user:password`) &&
        !error.message.includes('hunter2'),
      text,
    );
  }
});

test('the file is read again when it has changed, and kept as it was while it cannot be', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'headkeeper-users-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'users');
  const write = (text: string): void => {
    // A new file under the same name, as tools that change secrets make it.
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  };
  const warnings: string[] = [];
  write('ann:one\n');
  const users = new UsersFile(path, (message) => warnings.push(message));
  assert.equal(users.passwordOf('ann'), 'one');
  assert.equal(users.passwordOf('bob'), null);
  assert.equal(users.look(), false);
  write('ann:two\nbob:three\n');
  assert.equal(users.look(), true);
  assert.equal(users.passwordOf('ann'), 'two');
  assert.equal(users.size, 2);
  assert.deepEqual(warnings, []);

  write('ann\n');
  assert.equal(users.look(), false);
  assert.equal(users.look(), false);
  assert.match(warnings.join('\n'), /^.*users: line 1: expected user:password.*stay as they were$/, 'said once');
  assert.equal(users.passwordOf('ann'), 'two');
  rmSync(path);
  users.look();
  users.look();
  assert.equal(warnings.length, 2, 'a file that is gone is told of once');
  assert.equal(users.passwordOf('bob'), 'three');
  write('ann:four\n');
  assert.equal(users.look(), true);
  assert.equal(users.passwordOf('bob'), null);

  chmodSync(path, 0o604);
  users.look();
  assert.match(warnings.at(-1) ?? '', /everybody on this machine can read or change it: chmod o= /);
  write(`# ${'x'.repeat(limits.usersFileBytes)}\n`);
  users.look();
  assert.match(warnings.at(-1) ?? '', /bytes at most/);
  assert.throws(() => new UsersFile(join(folder, 'missing'), () => {}), UsersFileError);
});
