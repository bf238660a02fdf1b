import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConfigError } from '../../src/config/config-error.ts';
import { parseServerConfig } from '../../src/config/parse.ts';
import type { ServerConfig } from '../../src/config/schema.ts';

const parse = (text: string): ServerConfig =>
  parseServerConfig(`dataDir=/data\nclientPort=2181\n${text}`, { file: 'zoo.cfg' });

function problemsOf(text: string): readonly string[] {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('the settings of backups', () => {
  it('make none by default', () => {
    const config = parse('');
    assert.equal(config.backupTarget, null);
    assert.equal(config.backupExposureMs, 1000);
    assert.equal(config.backupFullIntervalMs, 86_400_000);
    assert.equal(config.backupKeepCount, 7);
    assert.equal(config.backupS3PathStyle, null);
    assert.deepEqual(config.warnings, []);
  });

  it('refuse a key that does not exist, since nothing would be backed up as meant', () => {
    assert.deepEqual(problemsOf('backup.target=/backups\nbackup.exposre=2s'), [
      'zoo.cfg:4: backup.exposre is unknown; did you mean backup.exposure?',
    ]);
  });

  it('refuse settings of a bucket beside a folder', () => {
    assert.deepEqual(problemsOf('backup.target=/backups\nbackup.s3.region=eu-central-1'), [
      'zoo.cfg:4: backup.s3.region is for buckets, and backup.target is /backups',
    ]);
  });

  it('need sessions that can have an ephemeral znode', () => {
    const local = 'localSessionsEnabled=true\n';
    assert.match(
      problemsOf(`backup.target=/backups\n${local}`)[0] ?? '',
      /localSessionsUpgradingEnabled: expected true/,
    );
    assert.deepEqual(problemsOf(`backup.target=/backups\n${local}localSessionsUpgradingEnabled=true`), []);
    assert.deepEqual(problemsOf(local), []);
  });

  it('warn where there is no target for them', () => {
    assert.deepEqual(parse('backup.keep.days=30').warnings, [
      'zoo.cfg:3: backup.keep.days has no effect without backup.target',
    ]);
  });
});
